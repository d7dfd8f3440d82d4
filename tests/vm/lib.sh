# Counting for the VM's shell suites. A suite defines functions test_*, each run in a subshell with errexit; it is one
# test, and its last words say why it failed. `skip REASON` skips it.

skip() { echo "skip: $*"; exit 77; }
fail() { echo "failed: $*"; exit 1; }
# expect WHAT ACTUAL OPERATOR WANTED: numbers may have a fraction.
expect() {
  case $3 in
    is) [ "$2" = "$4" ] || fail "$1 is \"$2\", wanted \"$4\"";;
    *) awk -v a="$2" -v b="$4" "BEGIN {exit !(a $3 b)}" || fail "$1 is $2, wanted $3 $4";;
  esac
}

run_suite() { # [TEST…]
  local ok=0 bad=0 skipped=0 name output status
  for name in $(declare -F | awk '{print $3}' | grep '^test_'); do
    if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
    # Not in an `if`: there the shell would ignore errexit.
    output=$(set -e; "$name" 2>&1)
    status=$?
    case $status in
      0) ok=$((ok + 1)); echo "ok $name";;
      77) skipped=$((skipped + 1)); echo "skip $name: ${output##*$'\n'}";;
      *) bad=$((bad + 1)); echo "FAIL $name (status $status)"; sed 's/^/    /' <<<"$output" | tail -n 20;;
    esac
  done
  echo "$ok passed, $bad failed, $skipped skipped"
  [ "$bad" = 0 ]
}
