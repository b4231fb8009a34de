#!/bin/bash
# mutate.sh [WORD...]: the random oracle must notice when a clause of the proof of an answer is missing
#
# Takes one clause after the other out of a copy of the tree and runs test/tap/007_memo_oracle.pl for a minute at most,
# which has to fail. With WORDs only the mutants whose names contain one of them. The last line is "N passed, N failed".
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib/setup.sh"

# what is left out | files in src | what sed does to each
mutants=(
	'answers newer than the snapshot | memo_proof.c | s/if (!stash_track_is_not_newer(/if (false \&\& !stash_track_is_not_newer(/'
	'the own transaction among the running ones | track_proof.c | s/if (FullTransactionIdIsValid(own))/if (false)/'
	'subtransactions of others | track_proof.c | /add_running(copy, snapshot->subxip/d'
	'own subtransactions | track_proof.c | /add_running(copy, MyProc->subxids.xids/d'
	'own changes | track_note.c | s/if (nnotes == 0)$/if (true)/'
	'what the catalogs say | track_proof.c | s/!stash_track_sees(snapshot, state->rows.newest))/false)/'
	'the log of changes | track_proof.c | s/changed = scan.is_pruned || .*/changed = false;/'
	'notes that are written over | track_proof.c | /change, root, snapshot->xmin,$/{n;s/InvalidFullTransactionId/FullTransactionIdFromU64(PG_UINT64_MAX - 16)/}'
	'the digest of the tree | memo_proof.c | s/state->digest + names->digest == source->digest/true/'
	'whether a table is tracked | track.c | s/return STASH_TRACK_UNTRACKED;/return STASH_TRACK_FINE;/'
	'functions that ran | memo_proof.c | s/!stash_track_sees(snapshot, rows.newest))/false)/'
	'what was known of functions | memo_proof.c | s/return rows.digest + names->digest == source->digest/return true/'
	'rollback of notes to a savepoint | track_note.c | s/event != SUBXACT_EVENT_ABORT_SUB/true/'
	'notes that stand for others | track_proof.c | s/changed = scan.is_pruned || /changed = /'
	'the bypass in serializable transactions | memo.c memo_proof.c | s/if (memo->volatility != PROVOLATILE_IMMUTABLE && IsolationIsSerializable())/if (false)/; s/^\tif (IsolationIsSerializable())$/\tif (false)/'
	'the role in the key | memo_key.c | s/is_shared ? SHARED_ROLE : Get[A-Za-z]*UserId()/SHARED_ROLE/; s/if (has_environment && !memo->body.is_shared)/if (false)/'
	'the search path in the key | memo_key.c memo_setting.c | s/settings_are(settings, numbers, STASH_MEMO_NUMBERS, 0)/settings_are(settings, numbers, STASH_MEMO_NUMBERS, 1)/; s/append_path(&out);/;/; s/quote_literal_cstr(settings->texts\[i\])/i == 0 ? "" : &/'
	'the time zone in the key | memo_setting.c | s/settings->timezone != session_timezone/false/; s/pg_get_timezone_name(settings->timezone)/""/'
	'varied settings in the key | memo_site.c | s/varied_text(call), call->site/"", call->site/; s/!are_equal(setting(lfirst(name)), lfirst(value))/false/'
	'what a remembered answer was read from | memo_trace.c | s/if (result->proof == NULL)/if (true)/'
	'what an inner target read | memo_note.c | s/if (outer == NULL)/if (true)/'
	'what another memo was excused for | memo_trace.c | s/if (result->proof->excused & /if (0 \& /'
	'expressions of PL/pgSQL | memo_plpgsql.c | s/if (stash_memo_trace_meets(statement))/if (false)/'
	'functions put into plans | memo_note.c | s/stash_memo_ran_inlined(items, \&unsure)/(unsure = false, NIL)/'
	'rights of the owners of views | memo_proof.c | s/return stash_memo_role_digest(source->oid) == source->digest/return true/'
	'what was read later than the call | memo_proof.c | s/proof->latest ? proof->latest : proof->snapshot/proof->snapshot/'
	'the right to call what ran | memo_allow.c | s/ != ACLCHECK_OK/ < ACLCHECK_OK/'
	'what the snapshot sees since the last proof | track_proof.c | s/now\[\([012]\)\] = .*/now[\1] = 0;/'
	'own changes since the last proof | track_proof.c | s/now\[5\] = stash_track_marks();/now[5] = 0;/'
	'redefinitions since the last proof | track_proof.c | s/now\[4\] = stash_catalog_news();/now[4] = 0;/'
	'the moment of a proof that held | memo_proof.c | s/held->moment == moment && is_like/is_like/'
	'the snapshot of a proof that held | memo_proof.c | s/return FullTransactionIdFollowsOrEquals(snapshot->xmin, held->xmax) ||/return true ||/'
)

# what is met too seldom by chance, and which function races for it
declare -A often=(['what was read later than the call']=late_total ['own subtransactions']=summary_total)

# Take a clause out; each file must change.
mutate() {
	local file

	for file in $1; do
		as_user cp "src/$file" "src/$file.whole"
		as_user sed -i "$2" "src/$file"
		! cmp -s "src/$file" "src/$file.whole" || die "nothing of $file is like $2"
	done
	build
}

restore() {
	local file

	for file in $1; do
		as_user mv "src/$file.whole" "src/$file"
		as_user touch "src/$file"
	done
}

build() {
	{ as_user make -s with_llvm=no && as_user make -s install DESTDIR="$stage" with_llvm=no; } >"$work/build.log" 2>&1 || {
		cat "$work/build.log" >&2
		die "the mutant cannot be built"
	}
}

run_oracle() {
	as_user env STASH_ORACLE_OFTEN="${often[$1]:-}" STASH_ORACLE_COMPARISONS=120000 STASH_ORACLE_SECONDS="${STASH_ORACLE_SECONDS:-60}" \
		make -s installcheck with_llvm=no REGRESS= ISOLATION= PROVE_FLAGS=--verbose \
		PROVE_TESTS="$tree/test/tap/007_memo_oracle.pl" >"$work/oracle.log" 2>&1 || true
}

# Whether the oracle said what it is there to say, and nothing else went wrong.
is_caught() { grep -E '^not ok [0-9]+ - (what is remembered is|nothing is remembered in serializable)' "$work/oracle.log" >/dev/null; }

is_wanted() {
	local word

	[[ ${#words[@]} -gt 0 ]] || return 0
	for word in "${words[@]}"; do
		[[ $1 != *"$word"* ]] || return 0
	done
	return 1
}

words=("$@")
passed=0
failed=0
setup_begin libipc-run-perl
setup_build with_llvm=no || exit 1
for mutant in "${mutants[@]}"; do
	name=${mutant%% | *}
	edit=${mutant#*.c | }
	file=${mutant#"$name | "}
	file=${file%% | *}
	is_wanted "$name" || continue
	mutate "$file" "$edit"
	start=$SECONDS
	run_oracle "$name"
	if is_caught; then
		say "ok: without $name it fails ($((SECONDS - start)) s)"
		passed=$((passed + 1))
	else
		say "NOT OK: without $name it does not fail ($((SECONDS - start)) s)"
		grep -E '^(not ok|# .* comparisons)' "$work/oracle.log" || tail -n 20 "$work/oracle.log"
		failed=$((failed + 1))
	fi
	restore "$file"
done
say "$passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
