"""From a lead database to a registered model and to its crown.

- train: splits > search > fit (or small) > baselines, groups, random_split, timing > record
- promotion/: promote > decision, simpler_ways > crown > move_log; reigns (rollback, history)
- points: a points table learned from outcomes
"""
