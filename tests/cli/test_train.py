from hf_hybrid.cli.main import main


def test_train_hands_its_arguments_on(monkeypatch):
    import hf_hybrid.train

    seen = []
    monkeypatch.setattr(hf_hybrid.train, "main", lambda argv: seen.append(argv) or 0)
    assert main(["train", "--arm", "x-y", "--help"]) == 0
    assert seen == [["--arm", "x-y", "--help"]]
