#!/bin/bash
# bare.sh [SUITE [COMMAND...]]: both entry commands in a new Debian that has nothing but its essential packages
#
# A COMMAND runs instead of the two.
# Takes what is committed. Needs root, mmdebstrap and some minutes; SUITE is bookworm (PostgreSQL 15) unless said,
# else trixie (17), forky (18) or experimental (19, on top of sid). The mounts live in a namespace of their own, so that removing the folder can never reach the devices of this machine.
set -euo pipefail

suite=${1:-bookworm}
shift || true
command=("$@")
top=$(cd "$(dirname "$0")/.." && pwd)
root=
child=

die() { printf '%s\n' "$*" >&2; exit 1; }

cleanup() {
	local status=$?

	trap '' INT TERM HUP
	trap - EXIT
	if [[ -n $child ]]; then
		kill -TERM -- "-$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	fi
	[[ -z $root ]] || rm -rf --one-file-system "$root"
	exit "$status"
}

# Run something in a session of its own, so that a signal to this script ends it at once; tell what it took.
step() {
	local what=$1 start=$SECONDS status=0

	shift
	printf '=== %s\n' "$what"
	setsid env --default-signal=INT,QUIT "$@" </dev/null &
	child=$!
	wait "$child" || status=$?
	child=
	printf '=== %s: exit code %d after %d s\n' "$what" $status $((SECONDS - start))
	return "$status"
}

# As "deb" lines: the mirrors that this machine uses for its own Debian, for the suite and its security updates, which
# only releases have.
mirrors() {
	local codename security=-security base=$suite

	case $suite in
		experimental) base=sid security=no ;;
		sid | forky) security=no ;;
	esac

	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		sed -n "s/^\([^ ]*\) $codename main$/deb \1 $base main/p
			s/^\([^ ]*\) $codename$security main$/deb \1 $base-security main/p" | sort -u
}

# The traces that the scripts may not leave in the new system, one a line.
traces() {
	cd "$root"
	find etc/postgresql -mindepth 1 2>/dev/null || true
	find etc/postgresql-common/createcluster.d usr/sbin/policy-rc.d -maxdepth 0 2>/dev/null || true
	find usr var/lib/postgresql var/log/postgresql -name '*hashstash*' 2>/dev/null || true
	# packages make folders for sockets of X there
	find tmp var/tmp -mindepth 1 -not -name '.*-unix' 2>/dev/null || true
	find var/lib/postgresql -mindepth 2 2>/dev/null || true
	cd /
}

[[ $EUID -eq 0 ]] || die "needs root"
command -v mmdebstrap >/dev/null || die "needs mmdebstrap"
[[ -n $(mirrors) ]] || die "apt of this machine knows no mirror of Debian"
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

root=$(mktemp -d "${STASH_TMP:-/var/tmp}/stash-bare.XXXXXX")
chmod 755 "$root"
# shellcheck disable=SC2046,SC2016 # lines of words; the variables are the inner shell's
inside=(
	unshare --mount bash -euc '
		mount -t proc proc "$0/proc"
		mount --bind /dev "$0/dev"
		mount -t tmpfs -o mode=1777 tmpfs "$0/dev/shm"
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
			chroot "$0" sh -c '\''cd /root/pg_hashstash && exec "$@"'\'' sh "$@"'
	"$root"
)

# Prefer PostgreSQL's packages of experimental, which apt else leaves alone.
use_experimental() {
	sed 's/ sid / experimental /' "$root/etc/apt/sources.list" >"$root/etc/apt/sources.list.d/experimental.list"
	printf 'Package: postgresql* libpq* libecpg* libpgtypes*\nPin: release a=experimental\nPin-Priority: 500\n' >"$root/etc/apt/preferences.d/experimental"
}

mapfile -t mirror < <(mirrors)
base=$suite
server=()
if [[ $suite == experimental ]]; then
	base=sid
	server=(env PG_CONFIG=/usr/lib/postgresql/19/bin/pg_config)
fi
# a copy of a suite in the making may be older than its own date of expiry
step "a bare $suite" mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
	"$base" "$root" "${mirror[@]}"
[[ $suite != experimental ]] || use_experimental
# root's own folder, which the server's user cannot read
GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' \
	git clone -q --no-hardlinks "$top" "$root/root/pg_hashstash"

if [[ ${#command[@]} -gt 0 ]]; then
	step "${command[*]}" "${inside[@]}" "${server[@]}" "${command[@]}"
	exit
fi
step "test/run.sh" "${inside[@]}" "${server[@]}" bash test/run.sh
if [[ -e $top/examples/demo.sh ]]; then
	step "examples/demo.sh" "${inside[@]}" "${server[@]}" bash examples/demo.sh
fi
step "test/run.sh again, without a network" unshare --net "${inside[@]}" "${server[@]}" bash test/run.sh
[[ -z $(traces) ]] || die "left behind: $(traces)"
echo "nothing was left behind"
