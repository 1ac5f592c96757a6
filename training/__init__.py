"""From a lead database to a registered model and to its crown.

- train: splits > search > fit (or small) > timing > record; beside the model
  baselines, groups, random_split
- promotion/: promote > decision, simpler_ways > crown > move_log; reigns (rollback, history)
- points: a points table learned from outcomes
"""
