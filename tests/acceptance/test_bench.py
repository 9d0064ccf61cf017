"""The bench's command from end to end: four processes, each of which compiles the digit net."""

import json

from research.cli.bench import bench


def test_our_parties_run_to_the_end(tmp_path, capsys):
    """On the workload that needs no peers: steps, scanned and one by one, in processes of their own."""
    file = tmp_path / "bench.json"
    assert bench(["scan_vs_loop", "--rounds", "1", "--steps", "1", "--json", str(file)]) == 0
    races = json.loads(file.read_text())["workloads"]["scan_vs_loop"]
    assert [race["parameters"] for race in races.values()] == [93_322, 93_322]
    assert all(len(times) == 1 for race in races.values() for times in race["times"].values())
    assert all(race["compilation"]["ours"] > 0 and race["steps"] == 1 for race in races.values())
    printed = capsys.readouterr().out
    assert "ours / ours, a call a step, best settings:" in printed
    assert max(map(len, printed.splitlines())) <= 80
