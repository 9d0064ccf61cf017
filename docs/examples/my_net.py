"""A net of one's own: two convolutions with batch normalization around a residual sum, and dropout."""

import flax.linen as nn


class MyNet(nn.Module):
    width: int
    classes: int  # the number of classes of the data, unless the configuration gives it
    dropout: float = 0.2

    @nn.compact
    def __call__(self, x, train: bool = False):  # x: float32 [B, H, W, C], 0 to 1
        x = nn.relu(self.normed_conv(x, train))
        x = nn.relu(x + self.normed_conv(x, train))
        x = nn.avg_pool(x, (2, 2), (2, 2)).reshape(len(x), -1)
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return nn.Dense(self.classes, name="logits")(x)  # [B, classes], before the softmax

    def normed_conv(self, x, train):
        x = nn.Conv(self.width, (3, 3), use_bias=False)(x)
        return nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)
