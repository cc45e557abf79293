// How many requests of pictures may be in flight, and whether pictures come as they are or as JPEG files. Both follow from what is
// measured of each reply: when it was asked for and came, how long the server had it, its bytes. Knows neither socket nor clock.
//
// A way there and back of 100 ms takes 7 requests in flight for a picture in each of 60 display frames a second. More would only
// wait somewhere: when replies come more slowly than the display shows them and take longer than the way does, a queue has formed,
// and the number falls to what the way holds. Where the bytes are what is slow, the moving picture becomes a JPEG file.

const FRAME = 1000 / 60; // ms
const NEAR = 0.5; // of a display frame there and back: below it a second request in flight would only wait
const LONGER = 4; // ms that lone requests take longer than the shortest way, when it is another way now
const MOST = 32; // in flight: 250 ms at 120 frames a second
const PERIOD = 5000; // ms: the shortest way is known of this period and the one before
const [FEW, MANY] = [3, 12]; // replies that are judged together
const QUEUED = 0.5; // of the time between replies, by which all of them take longer than the way does
const SLOWER = 1.1; // times a display frame, between replies that come too slowly
const AGAIN = 3000; // ms within which so many queues have to form, and no pictures pass as they are at the display's rate,
const [QUEUES, LONG_QUEUES] = [3, 2]; // before they are compressed: a busy machine makes a queue now and then
const LONG = 3; // display frames between the replies of a long one
const LONE = 2; // replies to requests that were alone in flight: what they took is the way, though it was shorter before
const SMALL = 3000; // bytes, below which a JPEG file saves too little
const CARRIED = 0.8; // of a display frame, in which a picture as it is must pass before all are asked for so again
const [TRIAL, LATER, LATEST] = [1000, 3, 60_000]; // ms until one is asked for to find out, times longer after each in vain, at most

export class FlowControl {
  #frame; // function: ms between two frames of the display
  #limit = 1;
  #jpeg = false;
  #jpegAllowed = true;
  #shortest = []; // [{since, way}]: the shortest way of this period and the one before, ms
  #lone = []; // ways of requests that were alone in flight
  #replies = []; // {at, way, served, bytes, awaited}: the last ones, asked for since `#since`
  #queues = []; // when the last ones were seen
  #trial = Infinity; // when one picture is to come as it is among JPEG files
  #patience = TRIAL; // ms until the next one
  #passed = -Infinity; // when pictures as they are last came at the display's rate
  #since = -Infinity; // when the limit or the kind of picture was last changed over a queue
  #slowStart = true; // no queue of such pictures has been seen yet: the limit doubles with each way there and back
  #grown = 0; // replies since the limit last grew

  constructor(frame = () => FRAME) {
    this.#frame = frame;
  }

  /** How many requests may be in flight. */
  get limit() {
    return this.#limit;
  }

  /** Whether a moving picture that is asked for at `now` is to come as a JPEG file. One now and then is not, to find out what the
   *  way carries: while JPEG files come, nothing else tells. */
  compresses(now) {
    if (!this.#jpeg || now < this.#trial || this.#replies.length < MANY) return this.#jpeg;
    this.#trial = now + this.#patience; // should it never come
    return false;
  }

  /** A reply came at `at` to what was asked for at `sent`, `alone`: with nothing else in flight, as a `jpeg` file or not; the server
   *  had it for `served`, all in ms. awaited: whether a newer request waits for it. */
  replied({ sent, at, served, bytes, alone, jpeg, awaited }) {
    const way = Math.max(0, at - sent - served);
    if (jpeg !== this.#jpeg) {
      if (this.#jpeg && sent >= this.#since) this.#tryRaw(way, bytes, at);
      return;
    }
    this.#learn(way, at, alone);
    if (sent < this.#since) return; // still of the queue that was seen
    this.#replies.push({ at, way, served, bytes, awaited });
    if (this.#replies.length > MANY) this.#replies.shift();
    if (!jpeg && this.#quickEnough) this.#passed = at;
    if (!this.#relieve(at)) this.#grow();
  }

  /** The browser cannot read them. */
  refuseJpeg() {
    this.#jpegAllowed = false;
    this.#change(false, -Infinity);
  }

  get #way() {
    return Math.min(...this.#shortest.map(({ way }) => way));
  }

  /** As many as are asked for, one each display frame, while one is on its way, and the one that the server has. */
  get #needed() {
    return Math.min(MOST, 1 + Math.max(0, Math.ceil(this.#way / this.#frame() - NEAR)));
  }

  /** Whether the last replies came at the display's rate. */
  get #quickEnough() {
    const [first, last] = [this.#replies[0], this.#replies.at(-1)];
    return this.#replies.length === MANY && last.at - first.at <= (MANY - 1) * SLOWER * this.#frame();
  }

  #learn(way, at, alone) {
    const period = this.#shortest[0];
    if (!period || at - period.since > PERIOD) this.#shortest = [{ since: at, way }, ...this.#shortest.slice(0, 1)];
    else period.way = Math.min(period.way, way);
    if (!alone) return;
    this.#lone = [...this.#lone.slice(1 - LONE), way];
    const least = Math.min(...this.#lone);
    if (this.#lone.length === LONE && least > this.#way + LONGER) this.#shortest = [{ since: at, way: least }]; // another way now
  }

  /** Whether a queue has formed; then fewer are in flight, or smaller ones. */
  #relieve(at) {
    const last = this.#replies.slice(-Math.max(FEW, this.#limit >> 1));
    if (last.length < FEW) return false;
    if (2 * last.filter(({ awaited }) => awaited).length < last.length) return false; // nothing more is asked for
    const gap = median(last.slice(1).map((reply, i) => reply.at - last[i].at)); // replies that were held up come at once after it
    const queue = Math.min(...last.map(({ way }) => way)) - this.#way;
    if (this.#jpeg && gap > SLOWER * this.#frame()) this.#trial = at + this.#patience; // where even files are slow
    if (gap <= SLOWER * this.#frame() || queue <= QUEUED * gap) return this.#doubt(at);
    const served = median(last.map((reply) => reply.served));
    this.#queues = [...this.#queues.slice(1 - QUEUES), at];
    const first = this.#queues.at(gap > LONG * this.#frame() ? -LONG_QUEUES : -QUEUES) ?? -Infinity;
    const again = at - first < Math.max(AGAIN, MANY * gap);
    const bytesAreSlow = again && at - this.#passed > AGAIN && served < gap / 2 && last[0].bytes > SMALL;
    this.#slowStart = this.#jpegAllowed && !this.#jpeg && bytesAreSlow;
    if (this.#slowStart) this.#trial = at + this.#patience;
    this.#change(this.#jpeg || this.#slowStart, at);
    this.#limit = Math.max(1, Math.min(this.#limit, Math.round((this.#way + served) / gap)));
    return true;
  }

  /** Whether many replies took longer than the way, though they come quickly enough. Requests alone in flight then tell how long it is now. */
  #doubt(at) {
    const least = Math.min(...this.#replies.map(({ way }) => way));
    if (this.#replies.length < MANY || least <= 1.5 * this.#way + this.#frame()) return false;
    this.#change(this.#jpeg, at);
    [this.#limit, this.#slowStart] = [1, true];
    return true;
  }

  #grow() {
    this.#grown += 1;
    const needed = this.#needed;
    if (this.#limit >= needed) this.#limit = needed;
    else if (this.#slowStart || this.#grown >= this.#limit) [this.#limit, this.#grown] = [this.#limit + 1, 0];
  }

  #change(jpeg, at) {
    [this.#jpeg, this.#since, this.#replies, this.#grown] = [jpeg, at, [], 0];
  }

  /** A picture as it is came while JPEG files are asked for: by how much longer it took one knows what the way carries. */
  #tryRaw(way, bytes, at) {
    const small = this.#replies.at(-1)?.bytes;
    const takes = small === undefined ? Infinity : ((way - this.#way) * bytes) / (bytes - small); // ms that the bytes of a picture take
    if (takes > CARRIED * this.#frame()) {
      this.#patience = Math.min(LATEST, LATER * this.#patience);
      this.#trial = at + this.#patience;
      return;
    }
    this.#change(false, -Infinity);
    [this.#slowStart, this.#queues] = [true, []];
  }
}

function median(values) {
  return [...values].sort((a, b) => a - b)[(values.length - 1) >> 1];
}
