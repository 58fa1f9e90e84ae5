"""
Pictures of networks
====================

How did a network learn, what does it look for, and what does it get wrong?
"""

from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skhpo import KerasCNN, KerasMLP, KerasUNet
from skhpo.datasets import make_pages
from skhpo.inspection import (
    FilterDisplay,
    LearningCurveDisplay,
    PredictionGridDisplay,
)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
common = {"epochs": 20, "early_stopping": True, "random_state": 0}
mlp = KerasMLP((64,), **common).fit(X_train, y_train)
cnn = KerasCNN((16,), kernel_size=5, padding="same", **common).fit(X_train, y_train)

# %%
# Loss and accuracy by epoch: training dashed, validation solid, a dot on the epoch
# whose weights were kept.
LearningCurveDisplay.from_estimator({"MLP": mlp, "CNN": cnn})
plt.show()

# %%
# The filters of the first layer, and what they answer to two digits.
FilterDisplay.from_estimator(cnn, X_test[:2])
plt.show()

# %%
# The test images that it takes for another digit.
PredictionGridDisplay.from_estimator(cnn, X_test, y_test, n_images=8, only_wrong=True)
plt.show()

# %%
# Masks: pages with what stands on them, and what a small U-Net makes of that after few
# epochs.
pages = make_pages(60, height=64, width=64, random_state=0)
unet = KerasUNet(8, net_depth=2, epochs=15, learning_rate=0.005, batch_size=4)
unet.set_params(random_state=0).fit(pages.images[:56], pages.masks[:56])
PredictionGridDisplay.from_estimator(
    unet, pages.images[56:], pages.masks[56:], display_labels=pages.class_names
)
plt.show()
