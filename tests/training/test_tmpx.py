def test_it(trained, demo_folder):
    print(trained.comparison.verdict, trained.snapshots, trained.split, trained.model.version)
    import json; print(json.dumps(trained.to_json())[:3000])
