"""From a lead database to a registered model that becomes champion.

- train: splits > search > fit > timing > record; for comparison
  baselines, groups, random_split
- promotion/: promote > decision > history (rollback) > champion > old_log
- points: a points table learned from outcomes
"""
