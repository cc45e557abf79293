// The parts of an explorer (explorer.js says what one is), in the order in which they are told of a change: the picture first, so
// that the server works while the others draw. In the same order those of one place stand on the page. A new part is a line here.

import { Comparison } from "./compare/comparison.js";
import { Guide } from "./help/guide.js";
import { Keys } from "./help/keyboard_shortcuts.js";
import { LatentMap } from "./map/map.js";
import { Controls } from "./picture/picture_buttons.js";
import { EncodedNote } from "./picture/encoded_image_note.js";
import { Likeness } from "./picture/likeness.js";
import { NearestImages } from "./picture/nearest_images.js";
import { NoiseSwitch } from "./picture/noise_switch.js";
import { Picture } from "./picture/picture.js";
import { Present } from "./picture/presentation_mode.js";
import { Traversal } from "./picture/traversal.js";
import { Tray } from "./pins_and_paths/pins_and_paths.js";
import { Animation } from "./sliders/animation.js";
import { Rail } from "./sliders/slider_rail.js";
import { SliderPictures } from "./sliders/slider_pictures.js";
import { Gallery } from "./share/gallery.js";
import { ShareSheet } from "./share/share_sheet.js";
import { Training } from "./training/training.js";
import { AddressBar } from "./state/address_bar.js";
import { PageMessages } from "./state/page_messages.js";

export const PARTS = {
  picture: Picture,
  messages: PageMessages,
  controls: Controls,
  tray: Tray,
  rail: Rail,
  animation: Animation,
  sliderPictures: SliderPictures,
  map: LatentMap,
  training: Training,
  likeness: Likeness,
  nearest: NearestImages,
  note: EncodedNote,
  comparison: Comparison,
  traversal: Traversal,
  guide: Guide,
  noise: NoiseSwitch,
  present: Present,
  gallery: Gallery,
  share: ShareSheet,
  keys: Keys,
  address: AddressBar,
};
