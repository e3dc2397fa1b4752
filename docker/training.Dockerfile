# The training job; docs/containers.md. From the top of the repository: make images
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
# Sets in compiled code would have another order in each build.
ENV PYTHONHASHSEED=0
COPY docker/training-requirements.txt /requirements.txt
# Wheels alone: no package may run a build of its own, and no compiler is needed. Without their tests they are a fifth
# smaller, and nobody asks Arrow for Flight, or AWS for more than S3, Redshift and what one logs in with.
RUN python -m venv --without-pip /venv \
 && python -m pip --python /venv/bin/python install --quiet --no-cache-dir --no-compile --no-deps \
    --only-binary :all: --require-hashes --requirement /requirements.txt \
 && find /venv -type d -name tests -prune -exec rm -r {} + \
 && rm -r /venv/lib/python3.11/site-packages/pyarrow/include \
 && find /venv/lib/python3.11/site-packages/pyarrow -name '*flight*' -delete \
 && find /venv/lib/python3.11/site-packages/botocore/data -mindepth 1 -maxdepth 1 -type d \
    ! -name s3 ! -name sts ! -name 'sso*' ! -name signin ! -name 'redshift*' -exec rm -r {} + \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /venv
# Every room but the service's; .dockerignore says which there are.
COPY . /app/
ARG SOURCE_DATE_EPOCH=0
RUN rm -r /app/docker /app/service \
 && python -m compileall -q --invalidation-mode unchecked-hash /app \
 && chmod -R u=rwX,go=rX /app /venv \
 && find /app /venv -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

FROM ${BASE}
ARG BASE
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="customer-segmentation-training" \
      org.opencontainers.image.description="Makes customer segments and publishes them" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=build /venv /venv
COPY --from=build /app /app
# On a read-only root, for a user without a home, nothing else than /tmp is sure to be writable.
ENV PATH=/venv/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001
ENTRYPOINT ["python", "-m", "training"]
CMD ["--help"]
