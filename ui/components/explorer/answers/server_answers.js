// Where the explorer's answers come from. There is one interface with two implementations, and the host that makes the explorer gives
// it one of them as `explorer.answers`: this one asks the server (over the sockets of connection/ and over HTTP), the one of
// browser_answers.js computes in the page. No other module fetches anything or opens a connection.
//
//   can                                  what it can do; what it cannot, the parts do not show:
//     can.paths                            kinds of path, of KINDS in connection/binary_messages.js
//     can.files                            what a path can be saved as: "gif", "mp4", "sheet", "npz"
//     can.publish                          whether it can publish: startPublishing(what, signal) starts and returns an id, and
//                                          publishing(id, signal) tells {state, share, message, url}; both throw a sentence
//     can.train                            whether other models can come to those that are there
//     can.noise                            whether the large picture can be drawn with the noise of p(x|z)
//   picture(model, latentDim, on, signal)  who draws the large picture: {open, request(z, start, step, noise: its seed, null for the
//                                        mean), close()}. on: {picture(answer, start, z), hello({device, milliseconds (of a picture
//                                        drawn in the page)}, refusing), offline(words, if there are better ones), refused(code, reason)}
//   queries(model, step, signal, back)   what may take longer than a frame: {pictures(topic, points, side), places(topic, points, what),
//                                        path(topic, stops, {kind, even, count}), samples(topic, {count, seed, temperature, side}),
//                                        training(topic, z, steps, side), refusal, close()}; see connection/query_connection.js
//   encodedImages(data, signal)          see encoded_images.js; throws a sentence where there are none to be had
//   imageUrl(model, index)               the encoded image of this number, as the source of an <img>, or its promise; null: there is none
//   nearest(model, z, space, signal)     the real images nearest to z in "pixels" or "latents": {source, found: [{url, label, distance}]},
//                                        {words} why there are none, {later: ms} when to ask again, or null when nobody answers
//   embedding(data, kind, {say, signal}) where t-SNE or UMAP put the encoded images: {indices, coordinates}, or null when nobody waits
//   file({model, kind, z, through}, what)  a path, or a training, as a Blob of one of can.files; throws a sentence
//   network(model, part, signal)         the "decoder" or the "encoder" as ONNX, an ArrayBuffer, where can.networks; throws a sentence
//   trainingState(model, signal)         {live, version, step, epoch, snapshots: [{step, epoch, quality}], none: why there
//                                        are none}, or null
//   trainingCodes(model, after, signal)  Map of step -> {means, labels}, or null
//
// `model` is a name, `step` one of its training (null: as it is), `data` what the page says of the model (ui/components/explorer).

import { liveUrl } from "../connection/connection.js";
import { KINDS } from "../connection/binary_messages.js";
import { fetchModel } from "../decoder/model_worker.js";
import { PictureConnection } from "../connection/picture_connection.js";
import { QueryConnection } from "../connection/query_connection.js";
import { publishingState, startPublishing } from "./publish_routes.js";
import { fetchEmbedding, fetchEncodedImages, fetchFile, fetchNearest, fetchTrainingCodes, fetchTrainingState, routeUrl } from "./server_routes.js";

export class ServerAnswers {
  can = { paths: KINDS, files: ["gif", "mp4", "sheet", "npz"], networks: true, noise: true, train: true, publish: true };
  encodedImages = fetchEncodedImages;
  nearest = fetchNearest;
  embedding = fetchEmbedding;
  file = fetchFile;
  trainingState = fetchTrainingState;
  trainingCodes = fetchTrainingCodes;
  startPublishing = startPublishing;
  publishing = publishingState;

  picture(model, latentDim, on, signal) {
    return new PictureConnection(liveUrl(model), latentDim, on, signal);
  }

  queries(model, step, signal, back) {
    return new QueryConnection(liveUrl(model, step), signal, back);
  }

  network(model, part, signal) {
    return fetchModel(routeUrl(`onnx/${part}`, { model, weights: "float32" }), signal);
  }

  imageUrl(model, index) {
    return routeUrl("map/image", { model, index });
  }
}
