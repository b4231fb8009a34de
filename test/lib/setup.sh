# shellcheck shell=bash
# setup.sh: from a Debian machine to a throw-away server that knows this tree's extension
#
# For test/run.sh, test/bench/run.sh and examples/demo.sh. Source it, then call
#
#	setup_begin [PACKAGE...]	install missing packages, make $work; all is undone when the script ends
#	setup_build [MAKE_ARG...]	copy the tree to $tree, build it there, install it below $stage
#	setup_cluster [NAME=VALUE...]	start a server with these settings and point PGHOST and the others at it
#	as_user COMMAND...		run something as the user that owns the server
#	own_end			a function of the caller, if there is one: runs when all is taken down
#
# Nothing is installed into PostgreSQL's own folders, no other cluster is touched, nothing listens on the
# network, and nothing is left behind, however the script ends. A PACKAGE may contain %v for the server's
# major version, and begins with "?" when it is wanted only where the distribution has it.
#
# From the environment: PG_CONFIG (default: newest packaged server), STASH_TMP (default: /tmp), and
# STASH_INSTALLED=1 for a server of your own making, into which "make install" has put the extension.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=			# temp folder of this run
tree=			# $work/tree: copy of the source, built
stage=			# $work/stage: what "make install" wrote
bindir=			# programs of the server
major=			# of the server
user=			# who runs it
become=()		# command prefix to become that user
sudo=()			# command prefix to become root
guards=()		# files below /etc and /usr to remove again
child=			# process group that as_user waits for

say() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

setup_begin() {
	trap setup_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	clean_environment
	# a TMPDIR of root's own would be closed to the user of the server
	work=$(mktemp -d "${STASH_TMP:-/tmp}/stash.XXXXXX")
	chmod 755 "$work"
	[[ $EUID -eq 0 ]] || sudo=(sudo)
	install_packages "$@"
	find_server || die "no PostgreSQL with server headers here; set PG_CONFIG"
	choose_user
}

# Settings of the caller must not reach the server, make or the tests.
clean_environment() {
	local pg_config=${PG_CONFIG:-}

	unset "${!PG@}" MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES LANGUAGE
	PG_CONFIG=$pg_config
	export LC_ALL=C.UTF-8 LANG=C.UTF-8
}

# The server refuses to run as root.
choose_user() {
	user=$(id -un)
	if [[ $EUID -eq 0 ]]; then
		user=postgres
		id -u "$user" >/dev/null 2>&1 || user=nobody
		become=(runuser -u "$user" --)
	fi
	mkdir "$work/home" "$work/tmp"
	chown -R "$user" "$work"
}

# The command gets a session of its own, so that a signal to this script ends it and its children at once.
as_user() {
	local status=0

	setsid "${become[@]}" env --default-signal=INT,QUIT \
		HOME="$work/home" TMPDIR="$work/tmp" PATH="$bindir:$PATH" "$@" <&0 &
	child=$!
	wait "$child" || status=$?
	child=
	return "$status"
}

# --- packages

install_packages() {
	local wanted=(make gcc libc6-dev libxxhash-dev liblz4-dev libzstd-dev zlib1g-dev "$@") missing=() package

	find_server || major=$(wanted_major)
	[[ -n ${PG_CONFIG:-} && $PG_CONFIG != /usr/lib/postgresql/* ]] ||
		wanted+=(postgresql-%v postgresql-server-dev-%v)
	for package in "${wanted[@]//%v/$major}"; do
		is_installed "${package#\?}" || missing+=("$package")
	done
	if ! may_install; then
		[[ ! "${missing[*]}" =~ (^| )[^?] ]] ||
			die "missing packages: ${missing[*]}; run this once as root, or install them"
		return 0
	fi
	[[ ! "${missing[*]}" =~ (^| )[^?] ]] || update_lists
	for package in "${!missing[@]}"; do
		[[ ${missing[package]} != \?* ]] || is_available "${missing[package]#\?}" || unset "missing[package]"
	done
	[[ ${#missing[@]} -eq 0 ]] || apt_install "${missing[@]#\?}"
}

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }
may_install() { [[ $EUID -eq 0 ]] || command -v sudo >/dev/null; }
is_available() { [[ -n $(apt-cache show --no-all-versions "$1" 2>/dev/null) ]]; }

# The major version to install: that of PG_CONFIG's path, or the distribution's own.
wanted_major() {
	if [[ ${PG_CONFIG:-} =~ ^/usr/lib/postgresql/([0-9]+)/ ]]; then
		say "${BASH_REMATCH[1]}"
		return
	fi
	[[ -n $(packaged_major) ]] || ! may_install || update_lists
	packaged_major
}

packaged_major() {
	apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1
}

update_lists() {
	[[ ! -e $work/updated ]] || return 0
	touch "$work/updated"
	apt_get update
}

apt_install() {
	say "installing $*" >&2
	guard_services
	apt_get install -y --no-install-recommends "$@"
	remove_guards
}

apt_get() {
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >"$work/apt.log" 2>&1 || {
		tail -n 30 "$work/apt.log" >&2
		die "apt-get $1 failed"
	}
}

# A server package would make a cluster and start it, and an update would restart those that run.
guard_services() {
	local guard=/etc/postgresql-common/createcluster.d/pg_hashstash-$$.conf policy=/usr/sbin/policy-rc.d

	guards+=("$guard")
	"${sudo[@]}" mkdir -p "${guard%/*}"
	say 'create_main_cluster = false' | "${sudo[@]}" tee "$guard" >/dev/null
	if [[ ! -e $policy ]]; then
		guards+=("$policy")
		printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
		"${sudo[@]}" chmod 755 "$policy"
	fi
}

remove_guards() {
	[[ ${#guards[@]} -eq 0 ]] || "${sudo[@]}" rm -f "${guards[@]}"
	[[ ${#guards[@]} -eq 0 ]] || "${sudo[@]}" rmdir --ignore-fail-on-non-empty /etc/postgresql-common/createcluster.d
	guards=()
}

# --- server, tree, build

# Sets PG_CONFIG, bindir and major; false when there is no server to build for.
find_server() {
	local candidate

	if [[ -z ${PG_CONFIG:-} ]]; then
		for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -V); do
			has_headers "$candidate" && PG_CONFIG=$candidate
		done
	fi
	[[ -n ${PG_CONFIG:-} ]] && has_headers "$PG_CONFIG" || return 1
	bindir=$("$PG_CONFIG" --bindir)
	major=$("$PG_CONFIG" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
	export PG_CONFIG
}

has_headers() {
	command -v "$1" >/dev/null && [[ -x $("$1" --bindir)/postgres && -e $("$1" --includedir-server)/postgres.h ]]
}

setup_build() {
	tree=$work/tree
	stage=$work/stage
	copy_tree
	cd "$tree" || return
	# a tree that was copied without git's help may hold objects of another build
	{ as_user make clean && as_user make -s -j"$(nproc)" "$@" && as_user make -s install DESTDIR="$stage" "$@"; } \
		>"$work/build.log" 2>&1 || {
		cat "$work/build.log" >&2
		say "the build failed" >&2
		return 1
	}
	stage_settings >"$work/stage.conf"
	# read by PostgreSQL::Test::Cluster, so that its servers find the extension too
	export TEMP_CONFIG=$work/stage.conf
}

# The server's user may not be able to read the original, and it must stay as it is.
copy_tree() {
	mkdir "$tree"
	(cd "$top" && list_files) | tar -C "$top" --null --no-recursion -T - -cf - | tar -C "$tree" -xf -
	chown -R "$user" "$work"
}

# What git knows or would offer to add; without git everything.
list_files() {
	local file

	{
		git -c safe.directory='*' ls-files -z --cached --others --exclude-standard 2>/dev/null ||
			find . -path ./.git -prune -o -type f -print0
	} | while IFS= read -r -d '' file; do
		[[ ! -e $file && ! -L $file ]] || printf '%s\0' "$file"
	done
}

# How a server finds what lies below $stage.
stage_settings() {
	if [[ -n ${STASH_INSTALLED:-} ]]; then
		return
	elif [[ $major -ge 18 ]]; then
		say "extension_control_path = '$stage$("$PG_CONFIG" --sharedir):\$system'"
		say "dynamic_library_path = '$stage$("$PG_CONFIG" --pkglibdir):\$libdir'"
	elif as_user "$bindir/postgres" --describe-config | grep '^extension_destdir' >/dev/null; then
		# a setting of Debian's packages
		say "extension_destdir = '$stage'"
		# which LOAD and preloading do not look at
		say "dynamic_library_path = '$stage$("$PG_CONFIG" --pkglibdir):\$libdir'"
	else
		die "this server loads extensions only from its own folders: run make install, then set STASH_INSTALLED=1"
	fi
}

setup_cluster() {
	local data=$work/data log=$work/server.log setting

	as_user initdb -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$work/initdb.log" 2>&1 || {
		cat "$work/initdb.log" >&2
		return 1
	}
	{
		say "listen_addresses = ''"
		say "unix_socket_directories = '$work'"
		say "fsync = off"
		cat "$work/stage.conf"
		for setting in "$@"; do
			say "${setting%%=*} = '${setting#*=}'"
		done
	} >>"$data/postgresql.conf"
	as_user pg_ctl -D "$data" -l "$log" -w -t 60 start >/dev/null || {
		cat "$log" >&2
		return 1
	}
	export PGHOST=$work PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
}

# --- the end

setup_end() {
	local status=$? pidfile

	trap '' INT TERM HUP
	trap - EXIT
	cd /
	remove_guards
	if [[ -n $child ]]; then
		kill -TERM -- "-$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	fi
	if [[ -n $work ]]; then
		# also those of TAP tests that were interrupted, and of a benchmark
		find "$work" \( -name postmaster.pid -o -name redis.pid \) -print0 2>/dev/null | while IFS= read -r -d '' pidfile; do
			stop_server "$pidfile"
		done
		rm -rf "$work"
	fi
	! declare -F own_end >/dev/null || own_end
	exit "$status"
}

stop_server() {
	local pid data signal

	pid=$(head -n 1 "$1")
	data=$(dirname "$1")
	for signal in INT QUIT KILL; do
		# a stale file may name somebody else's process by now
		[[ $(readlink "/proc/$pid/cwd") == "$data" ]] || return 0
		kill -"$signal" "$pid" 2>/dev/null || return 0
		for _ in {1..50}; do
			[[ $(readlink "/proc/$pid/cwd") == "$data" ]] || return 0
			sleep 0.1
		done
	done
}
