#!/bin/bash
# regressdb.sh [TREE]: every row of PostgreSQL's own regression database survives frames and variants
#
# Runs the regression tests of the server's own source in a throw-away cluster, and takes the database that they leave
# behind: test/lib/regressdb.sql says what is done with it. TREE is an unpacked source of the running major version;
# without it apt gets one, from the mirrors that this machine uses, also where its list of sources has none. Tests of the
# server may fail: another minor version prints other things. Some ten minutes. The last lines count.
set -euo pipefail

given=${1:+$(cd "$1" && pwd)}

# shellcheck source=test/lib/setup.sh
. "$(dirname "$0")/lib/setup.sh"

# Unpack the server's tests below $work/source, from a source package of any minor version that there is.
get_source() {
	local apt=(apt-get -q -o Dir::State::lists="$work/source/lists" -o Dir::Etc::sourcelist="$work/source/list" -o Dir::Etc::sourceparts=-
		-o APT::Sandbox::User=root) version

	mkdir -p "$work/source/lists/partial"
	cd "$work/source"
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u >list
	# somebody's repository may have no sources
	"${apt[@]}" update >log 2>&1 || true
	# a mirror may list a version without having its files
	for version in $(apt_versions); do
		"${apt[@]}" source --download-only "postgresql-$major=$version" >>log 2>&1 && break
	done
	[[ -n $(compgen -G '*.orig.tar.*') ]] || { cat log >&2; die "no source of PostgreSQL $major; give its folder as an argument"; }
	tar -xf ./*.orig.tar.* --wildcards '*/src/test/regress/*'
	cd "$tree"
}

# The newest first.
apt_versions() {
	apt-cache -o Dir::State::lists="$work/source/lists" -o Dir::Etc::sourcelist="$work/source/list" -o Dir::Etc::sourceparts=- \
		showsrc "postgresql-$major" | sed -n 's/^Version: //p' | sort -rV | uniq
}

# Run the server's own tests; their library and those of contrib that they load lie in one folder.
run_server_tests() {
	local libdir
	libdir=$("$PG_CONFIG" --pkglibdir)

	mkdir "$work/regress" "$work/regress/lib"
	cp -R "$1/src/test/regress" "$work/regress/in"
	cp "$libdir"/{autoinc,refint}.so "$work/regress/lib" || true
	gcc -O1 -fPIC -shared -I"$("$PG_CONFIG" --includedir-server)" -o "$work/regress/lib/regress.so" "$work/regress/in/regress.c"
	chown -R "$user" "$work/regress"
	cd "$work/regress"
	as_user "$libdir/pgxs/src/test/regress/pg_regress" --inputdir=in --outputdir=. --bindir="$bindir" --dlpath="$work/regress/lib" \
		--schedule=in/parallel_schedule --max-connections=8 --encoding=UTF8 --no-locale >log 2>&1 || true
	grep -E '^ *#? *(All|[0-9]+ of) [0-9]+ tests' log || tail -n 20 log
	cd "$tree"
}

# bzip2 and xz: source packages
setup_begin bzip2 xz-utils
setup_build with_llvm=no
setup_cluster max_prepared_transactions=2
[[ -n $given ]] || get_source
source=${given:-$(echo "$work"/source/postgresql-*/)}
[[ -e $source/src/test/regress/parallel_schedule ]] || die "$source has no src/test/regress"
say "PostgreSQL $major; tests of $source"
run_server_tests "$source"
as_user psql -X -d regression -f "$tree/test/lib/regressdb.sql" | tee "$work/figures"
grep -q ' passed, 0 failed$' "$work/figures"
