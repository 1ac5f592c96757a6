"""From a lead database to a registered model that becomes champion.

- train: splits > search > fit (or small) > timing > record; beside the model
  baselines, groups, random_split
- promotion/: promote > decision, simpler_ways > history (rollback) > champion > old_log
- points: a points table learned from outcomes
"""
