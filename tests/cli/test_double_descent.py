"""double_descent.py: flags, refusals in one line, and what it prints."""

import pytest

SMALL = ["--seeds", "2", "--rows", "40", "--features", "20", "40", "80", "--mlp.widths", "2", "3", "4"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], r"for example configs/double_descent_width\.py"),
        (["{configs}/double_descent_widht.py"], r"did you mean .*double_descent_width\.py"),
        (["{configs}/digits_cnn.py"], r"returns ImageExperiment, not a research\.config\.DoubleDescent"),
        (["{configs}/double_descent_width.py", "--noise", "0.1"], "--noise; did you mean --noises"),
        (["{configs}/double_descent_width.py", "--noises", "1.5"], r"noises\.0.*less than 1"),
        (["{configs}/double_descent_width.py", "--rows", "1797"], "--rows is 1797"),
        (["{configs}/double_descent_epochs.py", "--two-scales.step-size", "3"], "diverges"),
    ],
)
def test_a_mistake_is_one_line(root, tmp_path, run_script, refused, arguments, message):
    placed = [argument.format(configs=root / "configs") for argument in arguments]
    refused(run_script("double_descent", *placed), message, tmp_path)


@pytest.mark.slow
def test_train_refuses_a_configuration_of_double_descent(root, tmp_path, run_script, refused):
    answer = run_script("train", root / "configs" / "double_descent_width.py")
    refused(answer, r"returns WidthDescent, not a research\.config\.Experiment", tmp_path)


@pytest.mark.slow
def test_it_prints_the_peaks_and_the_page(root, run_script):
    arguments = (root / "configs" / "double_descent_width.py", *SMALL, "--mlp.epochs", "1", "--run-dir", "run")
    code, out, err = run_script("double_descent", *arguments)
    assert code == 0, err
    assert "Peak at, 95%" in out and out.rstrip().endswith("run/report.html")
    assert "random features  3 of 3 programs" in err
    code, again, err = run_script("double_descent", "--config-json", "run/config.json", "--run-dir", "run")
    assert code == 0 and again == out and "programs" not in err
