"""The pages of own pictures: taking them in, looking at them before they are kept, and the datasets that became of them."""
