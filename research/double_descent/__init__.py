"""Double descent: test error that falls, rises and falls again, over a model's width or a training's epochs."""
