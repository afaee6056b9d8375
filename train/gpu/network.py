# SPDX-License-Identifier: BSD-2-Clause
"""The networks of src/net/graph.h in PyTorch: the same text, the same weights, the same result."""
import torch
from torch import nn
from torch.nn import functional as F


def parse(text):
    """Layers of a graph's text: (unshuffle, scale, list of words of each layer that counts)."""
    layers = [part.split() for part in text.split(';')]
    unshuffle = 1
    if layers[0][0] == 'unshuffle':
        unshuffle = int(layers.pop(0)[1])
    if layers[-1] != ['add', 'base'] or layers[-2][0] != 'shuffle':
        raise ValueError('a network ends with "shuffle N; add base"')
    return unshuffle, int(layers[-2][1]) // unshuffle, layers[:-2]


class Network(nn.Module):
    """Luma in, 1 channel of level / 255; the residual out, to be added to the bicubic enlargement."""

    def __init__(self, text):
        super().__init__()
        self.text = text
        self.unshuffle, self.scale, self.layers = parse(text)
        self.conv, self.prelu = nn.ModuleDict(), nn.ModuleDict()
        for i, words in enumerate(self.layers):
            if not words[0].startswith('conv'):
                continue
            k, c_in, c_out = int(words[0][4:].split('x')[0]), int(words[1]), int(words[2])
            conv = nn.Conv2d(c_in, c_out, k, padding=k // 2)
            before_gate = i + 1 < len(self.layers) and self.layers[i + 1][0] == 'gate'
            gain = 0.05 if i == len(self.layers) - 1 else 2.0 if before_gate else 1.0
            nn.init.normal_(conv.weight, 0, gain * (2.0 / (c_in * k * k)) ** 0.5)
            nn.init.zeros_(conv.bias)
            self.conv[str(i)] = conv
            if words[3:] == ['prelu']:
                self.prelu[str(i)] = nn.PReLU(c_out, 0.2)

    def forward(self, x):
        height, width, u = x.shape[2], x.shape[3], self.unshuffle
        x = F.pad(x, (0, -width % u, 0, -height % u), mode='replicate')
        x = F.pixel_unshuffle(x, u) if u > 1 else x
        outputs = []
        for i, words in enumerate(self.layers):
            if words[0] == 'add':
                x = x + outputs[int(words[1])]
            elif words[0] == 'gate':
                x = (x + outputs[int(words[1])]) * (torch.sigmoid(x) - 0.5)
            elif words[0] == 'concat':
                x = torch.cat([outputs[int(k)] for k in words[1:]], 1)
            else:
                x = self.conv[str(i)](x)
                x = self.prelu[str(i)](x) if str(i) in self.prelu else x
            outputs.append(x)
        x = F.pixel_shuffle(x, u * self.scale)
        return x[:, :, :height * self.scale, :width * self.scale]

    def tensors(self):
        """By the names that containers have."""
        found = {}
        for i, conv in self.conv.items():
            found[i + '.weight'], found[i + '.bias'] = conv.weight, conv.bias
        for i, prelu in self.prelu.items():
            found[i + '.slope'] = prelu.weight
        return found

    def load(self, tensors):
        """Take over the tensors of a container that have the same name and shape; how many."""
        taken = 0
        with torch.no_grad():
            for name, to in self.tensors().items():
                if name in tensors and tuple(tensors[name].shape) == tuple(to.shape):
                    to.copy_(torch.from_numpy(tensors[name]))
                    taken += 1
        return taken
