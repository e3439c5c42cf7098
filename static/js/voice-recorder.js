/**
 * Records voice messages. A tap on the microphone starts a recording that is listened to, sent or discarded by
 * buttons. When the microphone is held, releasing it sends the recording, and releasing it elsewhere discards it.
 */
import { formatDuration } from "./file-choice.js";
import { showToast } from "./toast.js";
import { BARS, drawWaveform, loudness, waveformOf } from "./waveform.js";

const FORMATS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const BITS_PER_SECOND = 32_000;
const LONGEST_S = 15 * 60;
const SHORTEST_S = 0.5;
const HOLD_MS = 400;
const LEVEL_MS = 100;
const LIVE_GAIN = 300; // speech is much quieter than the loudest sound

export class VoiceRecorder {
  #button;
  #panel;
  #send;
  #recording = null; // {recorder, stream, context, levels, startedAt, timer}
  #result = null; // {file, fields, url} of a recording that can be listened to
  #pressedAt = 0;

  constructor(composer, send) {
    this.#button = composer.querySelector(".composer__microphone");
    this.#panel = composer.querySelector(".recorder");
    this.#send = send;
    if (!navigator.mediaDevices || !window.MediaRecorder) return this.#button.remove(); // they need a secure context
    this.#button.addEventListener("pointerdown", (event) => this.#pressed(event));
    this.#button.addEventListener("pointerup", (event) => this.#released(event));
    this.#button.addEventListener("contextmenu", (event) => event.preventDefault());
    this.#button.addEventListener("click", ({ detail }) => detail === 0 && this.#start()); // by the keyboard
    this.#panel.addEventListener("click", ({ target }) => this.#chosen(target.closest("[data-record]")?.dataset.record));
    this.#panel.addEventListener("keydown", ({ key }) => key === "Escape" && this.cancel());
  }

  cancel() {
    this.#end();
    this.#close();
  }

  #pressed(event) {
    if (event.button !== 0 || this.#recording) return;
    this.#pressedAt = event.timeStamp;
    this.#button.setPointerCapture(event.pointerId);
    this.#start();
  }

  #released(event) {
    const isHold = event.timeStamp - this.#pressedAt > HOLD_MS;
    if (!isHold || !this.#recording) return;
    const { left, top, right, bottom } = this.#button.getBoundingClientRect();
    const isOver = event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom;
    this.#chosen(isOver ? "send" : "cancel");
  }

  #chosen(act) {
    if (act === "cancel") this.cancel();
    if (act === "stop") this.#finish().then(() => this.#review());
    if (act === "play") this.#togglePlayback();
    if (act === "send") this.#finish().then(() => this.#sendResult());
  }

  async #start() {
    if (this.#recording || !this.#panel.hidden) return;
    this.#show("waiting");
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      if (this.#panel.hidden) return stopTracks(stream); // cancelled while the browser asked for permission
      this.#recording = record(stream);
      this.#recording.timer = setInterval(() => this.#measure(), LEVEL_MS);
      this.#show("recording");
    } catch {
      this.#close();
      showToast(this.#panel.dataset.refused);
    }
  }

  #measure() {
    const { analyser, levels, samples, startedAt } = this.#recording;
    analyser.getFloatTimeDomainData(samples);
    levels.push(loudness(samples));
    const seconds = (performance.now() - startedAt) / 1_000;
    this.#panel.querySelector(".recorder__time").textContent = formatDuration(seconds);
    const newest = [...Array(BARS).fill(0), ...levels].slice(-BARS);
    this.#draw(newest.map((level) => Math.min(100, level * LIVE_GAIN)));
    if (seconds >= LONGEST_S) this.#chosen("stop");
  }

  /** Stop the recording and keep its result. */
  async #finish() {
    if (!this.#recording) return;
    const { chunks, levels, mimeType, startedAt, stopped } = this.#recording;
    const duration = (performance.now() - startedAt) / 1_000;
    this.#end();
    await stopped;
    if (duration < SHORTEST_S) return;
    const type = mimeType.split(";")[0];
    const file = new File(chunks, `voice.${type.split("/")[1]}`, { type });
    const waveform = waveformOf(levels);
    const fields = { kind: "voice", duration: duration.toFixed(1), waveform: JSON.stringify(waveform) };
    this.#result = { file, fields, audio: new Audio(URL.createObjectURL(file)) };
  }

  #review() {
    if (!this.#result) return this.#close();
    const { audio, fields } = this.#result;
    this.#show("review");
    this.#draw(JSON.parse(fields.waveform));
    for (const name of ["play", "pause", "ended"]) {
      audio.addEventListener(name, () => this.#panel.classList.toggle("recorder--playing", !audio.paused && !audio.ended));
    }
  }

  #togglePlayback() {
    const { audio } = this.#result;
    if (audio.paused) audio.play().catch(() => {}); // closing the recorder may interrupt it
    else audio.pause();
  }

  #sendResult() {
    const result = this.#result;
    this.#close();
    if (result) this.#send(result.file, result.fields);
    else showToast(this.#panel.dataset.short);
  }

  /** Release the microphone. */
  #end() {
    if (!this.#recording) return;
    const { recorder, stream, context, timer } = this.#recording;
    clearInterval(timer);
    if (recorder.state !== "inactive") recorder.stop();
    stopTracks(stream);
    context.close();
    this.#recording = null;
  }

  #show(state) {
    this.#panel.dataset.state = state;
    if (!this.#panel.hidden) return;
    this.#panel.hidden = false;
    this.#panel.querySelector(".recorder__time").textContent = formatDuration(0);
    this.#panel.querySelector("[data-record=cancel]").focus({ focusVisible: false });
  }

  #close() {
    if (this.#result) {
      this.#result.audio.pause();
      URL.revokeObjectURL(this.#result.audio.src);
    }
    this.#result = null;
    if (this.#panel.contains(document.activeElement)) this.#button.focus({ focusVisible: false });
    this.#panel.hidden = true;
    this.#panel.classList.remove("recorder--playing");
    this.#panel.querySelector(".recorder__wave").replaceChildren();
  }

  #draw(waveform) {
    this.#panel.querySelector(".recorder__wave").replaceChildren(drawWaveform(waveform));
  }
}

function record(stream) {
  const mimeType = FORMATS.find((format) => MediaRecorder.isTypeSupported(format));
  const recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const chunks = [];
  recorder.addEventListener("dataavailable", ({ data }) => chunks.push(data));
  const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve));
  recorder.start();
  const samples = new Float32Array(analyser.fftSize);
  return { recorder, stream, context, analyser, samples, chunks, stopped, mimeType: recorder.mimeType || mimeType, levels: [], startedAt: performance.now() };
}

function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}
