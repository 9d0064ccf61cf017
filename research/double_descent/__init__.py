"""Double descent: test error that falls, rises and falls again, over the width of a model or the epochs of a training."""
