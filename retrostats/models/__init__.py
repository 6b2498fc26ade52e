"""Statistical models: linear mixed models, models of counts, pools."""
