#!/usr/bin/env bash
# Ceph's S3: one monitor, one OSD and the RADOS Gateway on port 7480, data in /data. /data/ready is there
# while it takes requests. Not for production: one copy of everything, and no key between its daemons.
set -euo pipefail
conf=/data/ceph.conf
rm -f /data/ready
if [[ ! -e /data/made ]]; then
  # What an earlier start left unfinished would be in the way.
  rm -rf /data/*
  mkdir -p /data/{mon,osd,rgw}
  : > /data/keyring
  fsid=$(cat /proc/sys/kernel/random/uuid)
  cat > $conf <<CONF
[global]
fsid = $fsid
mon_initial_members = a
mon_host = v1:127.0.0.1:6789
ms_bind_msgr2 = false
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_crush_chooseleaf_type = 0
osd_crush_update_on_start = false
osd_class_update_on_start = false
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_data_avail_warn = 2
mon_data_avail_crit = 1
osd_objectstore = bluestore
bluestore_block_size = 4294967296
osd_memory_target = 939524096
run_dir = /tmp
log_to_file = false
log_to_stderr = true
mon_cluster_log_to_file = false
mon_cluster_log_to_stderr = false
debug_mon = 0
debug_osd = 0
debug_paxos = 0
debug_rocksdb = 0
debug_bluestore = 0
admin_socket =
pid_file =
keyring = /data/keyring
[mon.a]
mon_data = /data/mon
[osd.0]
osd_data = /data/osd
[client.rgw]
rgw_frontends = beast endpoint=0.0.0.0:7480 tcp_nodelay=1
rgw_data = /data/rgw
rgw_enable_apis = s3, admin
debug_rgw = 0
CONF
  monmaptool --create --addv a '[v1:127.0.0.1:6789]' --fsid "$fsid" /tmp/monmap
  ceph-mon -c $conf --mkfs -i a --monmap /tmp/monmap
  fresh=1
fi
daemons=()
# shellcheck disable=SC2329 # the traps call it
stop() {
  rm -f /data/ready
  for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do
    kill "${daemons[i]}" 2>/dev/null || true
    wait "${daemons[i]}" 2>/dev/null || true
  done
}
trap 'stop; exit 0' TERM INT
trap stop EXIT
ceph-mon -c $conf -f -i a & daemons+=($!)
if [[ -n ${fresh:-} ]]; then
  osd=$(cat /proc/sys/kernel/random/uuid)
  # In its first moments the monitor refuses who does not know its fsid yet; to ask twice for one OSD gives the same.
  until ceph -c $conf --connect-timeout 60 osd new "$osd"; do
    sleep 0.5
    ((SECONDS < 60)) || exit 1
  done
  # Left to itself the OSD asks for this while it starts, and at times stops there, refused with "wrong fsid".
  ceph -c $conf osd crush add osd.0 1 root=default host=here
  ceph-osd -c $conf -i 0 --mkfs --osd-uuid "$osd"
fi
ceph-osd -c $conf -f -i 0 & daemons+=($!)
radosgw -c $conf -f -n client.rgw & daemons+=($!)
# At times they do not find one another: then the container ends, and is started anew.
until (: < /dev/tcp/127.0.0.1/7480) 2>/dev/null; do
  sleep 0.2
  kill -0 "${daemons[@]}"
  ((SECONDS < 90)) || exit 1
done
if [[ -n ${fresh:-} ]]; then
  radosgw-admin -c $conf -n client.rgw user create --uid segmentation --display-name segmentation \
    --access-key "$S3_ACCESS_KEY" --secret-key "$S3_SECRET_KEY" > /dev/null
  touch /data/made
fi
touch /data/ready
# If one of them ends, so does the container.
wait -n
exit 1
