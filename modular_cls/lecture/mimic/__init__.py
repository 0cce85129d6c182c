"""A shallow net can learn from a deep one what it does not learn from labels.

Do deep nets really need to be deep? Ba and Caruana ("Do deep nets really need to be deep?", NeurIPS
2014) trained a shallow net on the logits of deep ones, by squared error, and it came close to them:
phone error on TIMIT was 23.1 % for a shallow net of 8,000 units trained on labels, 21.9 % for a
deep net, 21.6 % for the shallow net taught by logits, 20.0 % for one of 400,000 units taught alike
(their teachers were ensembles of convolutional nets, better than the deep net listed). So a shallow
net *can represent* what was learned; it does not *find* it from labels. Urban et al. ("Do deep
convolutional nets really need to be deep and convolutional?", ICLR 2017) answered for CIFAR-10:
yes, they do; without several layers of convolution no student came near its teacher.
"""

from modular_cls.lecture.mimic.pictures import needs

__all__ = ["PARTS", "needs"]

PARTS = ("pictures", "strings")
