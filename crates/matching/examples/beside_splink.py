"""Links the same tables with Splink and with restitch-matching, one after the other, and prints
CPU seconds (user and system, all threads; import, reading, training and prediction; of it import
and reading), peak memory,
candidate pairs and F1 over pairs.

    pip install splink==5.0.0
    cargo build --release -p restitch-matching --examples
    python examples/beside_splink.py EXAMPLES narrow FOLDER...   # same pairs, same comparisons
    python examples/beside_splink.py EXAMPLES quality FOLDER...  # Splink's generic defaults

EXAMPLES is the folder with the built examples (target/release/examples). `narrow` and `wide` want
folders that the example `people` made: both sides get the comparisons and blocking rules below,
Splink without term frequencies, which spares it work that restitch does. `quality` gives Splink, for any
labelled set, its default Jaro-Winkler comparison of every column, blocks on every column and pair
of columns of up to two million pairs, and restitch the model that it finds by itself."""

import csv
import itertools
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile

TEXTS = ["given_name", "surname", "town", "street"]
CODES = ["born", "account"]
BLOCKS = {
    "narrow": [["surname", "given_name"], ["born", "town"], ["account"], ["street"]],
    "wide": [["surname"], ["born", "town"], ["given_name", "town"], ["account"], ["street"]],
}


def main():
    if sys.argv[1] == "splink":
        return splink(*sys.argv[2:])
    examples, mode, folders = sys.argv[1], sys.argv[2], sys.argv[3:]
    print("| data | system | candidates | F1, pairs | F1, grouped | CPU s | of it import and reading | peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    for folder in map(os.path.abspath, folders):
        name = os.path.basename(folder)
        out, peak = run([sys.executable, __file__, "splink", mode, folder])
        found = json.loads(out.strip().splitlines()[-1])
        row(name, "Splink", found["candidates"], found["f1"], found["grouped"], found["cpu"], found["reading"], peak)
        if mode in BLOCKS:
            with tempfile.TemporaryDirectory() as parent:
                own = os.path.join(parent, name)
                os.mkdir(own)
                for file in ["records.csv", "clusters.csv"]:
                    os.symlink(os.path.join(folder, file), os.path.join(own, file))
                with open(os.path.join(own, "model.toml"), "w") as file:
                    file.write(model(mode))
                out, _ = run([f"{examples}/linkage_table", parent, name])
        else:
            out, _ = run([f"{examples}/linkage_table", os.path.dirname(folder), name])
        cells = [cell.strip() for cell in out.strip().splitlines()[-1].strip("|").split("|")]
        row(name, "restitch", int(cells[1]), float(cells[5]), float(cells[6]), float(cells[9]), float(cells[10]), int(cells[11]))


def row(name, system, candidates, f1, grouped, cpu, reading, peak):
    print(f"| {name} | {system} | {candidates} | {f1:.4f} | {grouped:.4f} | {cpu:.2f} | {reading:.2f} | {peak} |", flush=True)


def run(command):
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{command} failed")
    return out, usage.ru_maxrss // 1024


def model(mode):
    comparisons = [(column, "text") for column in TEXTS] + [(column, "code") for column in CODES]
    parts = ['shape = "many"\n']
    for column, measure in comparisons:
        parts.append(f'[[comparison]]\nname = "{column}"\nleft = "{column}"\nright = "{column}"\nmeasure = "{measure}"\n')
    parts.append("[blocking]\nmost_pairs = 100000000\n")
    for rule in BLOCKS[mode]:
        keys = ", ".join(f'{{ left = "{c}", right = "{c}", by = "whole" }}' for c in rule)
        parts.append(f"[[blocking.rules]]\nkeys = [{keys}]\n")
    return "\n".join(parts)


def splink(mode, folder):
    import splink.comparison_library as cl
    import duckdb
    from splink import Linker, SettingsCreator, block_on
    from splink.internals.duckdb.database_api import DuckDBAPI

    con = duckdb.connect()
    read = lambda file: con.sql(
        f"select * from read_csv('{folder}/{file}', header=true, all_varchar=true, nullstr='')"
    ).df()
    is_link = os.path.exists(f"{folder}/a.csv")
    tables = [read("a.csv"), read("b.csv")] if is_link else [read("records.csv")]
    reading = cpu_seconds()
    columns = [c for c in tables[0].columns if c != "id" and all(c in t.columns for t in tables)]
    if mode in BLOCKS:
        comparisons = [cl.JaroWinklerAtThresholds(c, [0.95, 0.88]) for c in TEXTS]
        comparisons += [cl.DamerauLevenshteinAtThresholds(c, [1, 2]) for c in CODES]
        blocks, training = BLOCKS[mode], [["account"], ["surname", "given_name"]]
    else:
        comparisons = [cl.JaroWinklerAtThresholds(c) for c in columns]
        blocks = blocks_of(columns, tables)
        usable = [(c,) for c in columns if size(tables, (c,)) > 0]
        training = sorted(usable, key=lambda rule: -distinct(tables[0], rule))[:2]
    rules = [block_on(*rule) for rule in blocks]
    settings = SettingsCreator(
        link_type="link_only" if is_link else "dedupe_only",
        unique_id_column_name="id",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
    )
    logging.disable(logging.CRITICAL)
    api = DuckDBAPI(con)
    frames = [api.register(t, dataset_display_name=f"t{at}") for at, t in enumerate(tables)]
    linker = Linker(frames if is_link else frames[0], settings, log_level=None)
    for recall in [0.8, 0.9, 0.99]:
        try:
            rules = [block_on(*rule) for rule in blocks[:2]]
            linker.training.estimate_probability_two_random_records_match(rules, recall=recall)
            break
        except ValueError:  # the rules find more than that recall allows
            continue
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in training:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
    predicted = linker.inference.predict(threshold_match_probability=0.01)
    # Scoring is not linking: from here on nothing is counted.
    cpu = cpu_seconds()
    pairs = predicted.as_record_list()
    candidates = count(con, tables, blocks, is_link)
    truth = true_pairs(folder, is_link)
    found = {}
    for pair in pairs:
        key = (pair["id_l"], pair["id_r"])
        found[key if is_link else tuple(sorted(key))] = pair["match_probability"]
    alone = {pair for pair, p in found.items() if p >= 0.5}
    grouped = one_to_one(found) if is_link else clustered(alone)
    print(json.dumps({
        "cpu": cpu, "reading": reading, "candidates": candidates, "f1": f1(alone, truth), "grouped": f1(grouped, truth),
    }))


def cpu_seconds():
    """The CPU time of this process so far, all threads of it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def distinct(table, column):
    return table[column[0]].nunique()


def size(tables, rule):
    counts = [t.dropna(subset=list(rule)).groupby(list(rule)).size() for t in tables]
    if len(counts) == 1:
        return int((counts[0] * (counts[0] - 1)).sum() // 2)
    return int(counts[0].mul(counts[1], fill_value=0).sum())


def blocks_of(columns, tables):
    """Every column, and every pair of columns not already covered, of up to two million pairs."""
    chosen = [(c,) for c in columns if 0 < size(tables, (c,)) <= 2_000_000]
    rest = [c for c in columns if (c,) not in chosen]
    return chosen + [two for two in itertools.combinations(rest, 2) if 0 < size(tables, two) <= 2_000_000]


def count(con, tables, blocks, is_link):
    """How many different pairs agree in a block."""
    left, right = tables[0], tables[-1]
    con.register("l", left)
    con.register("r", right)
    parts = []
    for rule in blocks:
        on = " and ".join(f'l."{c}" = r."{c}"' for c in rule)
        less = "" if is_link else " and l.id < r.id"
        parts.append(f"select l.id a, r.id b from l join r on {on}{less}")
    return con.sql(f"select count(*) from ({' union '.join(parts)})").fetchall()[0][0]


def true_pairs(folder, is_link):
    rows = list(csv.reader(open(f"{folder}/{'truth' if is_link else 'clusters'}.csv")))[1:]
    if is_link:
        return {tuple(row) for row in rows}
    groups = {}
    for record, entity in rows:
        groups.setdefault(entity, []).append(record)
    return {tuple(sorted(two)) for group in groups.values() for two in itertools.combinations(group, 2)}


def one_to_one(found):
    chosen, left, right = set(), set(), set()
    for (a, b), p in sorted(found.items(), key=lambda pair: (-pair[1], pair[0])):
        if p >= 0.5 and a not in left and b not in right:
            chosen.add((a, b))
            left.add(a)
            right.add(b)
    return chosen


def clustered(pairs):
    parent = {}

    def root(x):
        while parent.setdefault(x, x) != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for a, b in pairs:
        parent[root(a)] = root(b)
    groups = {}
    for record in list(parent):
        groups.setdefault(root(record), []).append(record)
    return {tuple(sorted(two)) for group in groups.values() for two in itertools.combinations(group, 2)}


def f1(found, truth):
    return 2 * len(found & truth) / max(1, len(found) + len(truth))


main()
