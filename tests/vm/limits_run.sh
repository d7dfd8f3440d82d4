#!/bin/bash
# Limits of `cella-runtime run` by what they do. Runs in the VM: tests/vm/run --build DIR -- tests/vm/limits_run.sh
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,proc,sys,dev,tmp,etc,root}
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in $("$root/bin/busybox" --list); do [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"; done

# run OPTIONS… -- COMMAND
run() { cella-runtime run --rootfs "$root" "$@"; }

test_memory_kills_what_asks_for_more() {
  run --memory 64MiB -- sh -c 'dd if=/dev/zero of=/dev/null bs=30M count=1' || fail "30 MB under 64 MiB"
  local status=0
  run --memory 64MiB -- sh -c 'dd if=/dev/zero of=/dev/null bs=100M count=1; exit $?' || status=$?
  expect "status of the one that asks for 100 MB" "$status" is 137
}
test_memory_shows_inside_as_the_cgroup_of_its_own() {
  expect "/proc/self/cgroup" "$(run --memory 64MiB -- cat /proc/self/cgroup)" is "0::/"
}
test_cpus_throttle() {
  local used
  # User and system time of two loops over two seconds, from the cgroup's own count.
  used=$(run --cpus 0.25 -- sh -c 'timeout 2 sh -c "while :; do :; done" & timeout 2 sh -c "while :; do :; done" & wait
    awk "/^usage_usec/ {print \$2 / 2000000}" /sys/fs/cgroup/cpu.stat')
  expect "CPUs used with --cpus 0.25" "$used" '<' 0.4
  used=$(run -- sh -c 'timeout 2 sh -c "while :; do :; done" & timeout 2 sh -c "while :; do :; done" & wait
    awk "/^usage_usec/ {print \$2 / 2000000}" /sys/fs/cgroup/cpu.stat')
  expect "CPUs used without a limit" "$used" '>' 0.8
}
test_pids_refuse_a_fork() {
  local output
  output=$(run --pids 8 -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 20 & done; echo all' 2>&1) || true
  grep -qi "can't fork\|Resource temporarily unavailable" <<<"$output" || fail "12 forks under --pids 8: $output"
  expect "what fits" "$(run --pids 8 -- sh -c 'sleep 0 & sleep 0 & wait; echo fits')" is fits
}
test_nothing_is_left_over() {
  run -- true
  expect "cgroups left" "$(find /sys/fs/cgroup -maxdepth 1 -name 'cella*' | wc -l)" is 0
}
test_the_container_cannot_lift_its_limits() {
  run --memory 64MiB --pids 50 -- sh -c 'for f in memory.max memory.swap.max pids.max cpu.max; do
    (echo max >/sys/fs/cgroup/$f) 2>/dev/null && { echo "$f could be written"; exit 1; }; done; exit 0' || fail "a limit was lifted"
}
test_an_unlisted_device_cannot_be_opened() {
  mknod "$root/tmp/kmsg" c 1 11
  chmod 666 "$root/tmp/kmsg"
  run -- sh -c 'head -c 1 /tmp/kmsg >/dev/null 2>&1' && fail "kmsg could be opened"
  rm "$root/tmp/kmsg"
  run -- sh -c 'head -c 4 /dev/urandom | wc -c' | grep -qx 4
}

run_suite "$@"
