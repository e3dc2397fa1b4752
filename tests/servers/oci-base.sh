#!/usr/bin/env bash
# Makes a stand-in for docker.io/library/python:3.11-slim-bookworm out of Debian's packages, under the same name, so that
# tests build the Dockerfiles as they are where no registry of images can be reached. Never to be published: it holds the
# certificate authorities of this machine, one of which may sign anew what comes from outside.
# Needs debootstrap and buildah; CONTAINERS_CONF and CONTAINERS_STORAGE_CONF say where images are kept.
set -euo pipefail
tag=docker.io/library/python:3.11-slim-bookworm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sources=(/etc/apt/sources.list /etc/apt/sources.list.d/*)
mirror=${DEBIAN_MIRROR:-$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\?\(http[^ ]*\).*/\2/p' "${sources[@]}" 2>/dev/null | grep -m 1 debian || true)}
debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
  bookworm "$work/root" "${mirror:-http://deb.debian.org/debian}" > "$work/log" || { cat "$work/log" >&2; exit 1; }
rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/*
cp /etc/ssl/certs/ca-certificates.crt "$work/ca.crt"
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' > "$work/pip.conf"
cat > "$work/Dockerfile" <<'D'
FROM scratch
COPY root/ /
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
COPY pip.conf /etc/pip.conf
RUN ln -sf /usr/bin/python3 /usr/local/bin/python && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
CMD ["python3"]
D
buildah bud --quiet --runtime runc --network host --tag "$tag" "$work"
