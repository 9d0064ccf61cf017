"""MobileNet (Howard et al. 2017) without its top; its layers have the names of `keras.applications.MobileNet`."""

import flax.linen as nn
import jax.numpy as jnp

# (filters, stride) of the depthwise separable blocks: table 1 of the paper.
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))


class MobileNet(nn.Module):
    width: float = 1.0  # share of the filters

    @nn.compact
    def __call__(self, x):  # float32 [B, H, W, 3], 0 to 1 -> [B, H', W', 1024 * width]
        x = 2 * x - 1  # the preprocessing of its weights
        x = self.conv(x, "conv1", int(32 * self.width), (3, 3), 2, "SAME")
        for number, (filters, stride) in enumerate(BLOCKS, start=1):
            padding = ((0, 1), (0, 1)) if stride == 2 else "SAME"
            channels = x.shape[-1]
            x = self.conv(x, f"conv_dw_{number}", channels, (3, 3), stride, padding, groups=channels)
            x = self.conv(x, f"conv_pw_{number}", int(filters * self.width), (1, 1), 1, "SAME")
        return x

    def conv(self, x, name, filters, size, stride, padding, groups=1):
        settings = {"padding": padding, "feature_group_count": groups, "use_bias": False, "name": name}
        x = nn.Conv(filters, size, stride, **settings)(x)
        x = nn.BatchNorm(use_running_average=True, epsilon=1e-3, name=f"{name}_bn")(x)
        return jnp.clip(x, 0, 6)  # ReLU6
