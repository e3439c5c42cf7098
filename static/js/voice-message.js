/** A voice message: play, a waveform to seek in, the duration and the speed. Without scripts it is a plain player. */
import { formatDuration } from "./file-choice.js";
import { cloneTemplate } from "./fragments.js";
import { showToast } from "./toast.js";
import { drawWaveform } from "./waveform.js";

const SPEEDS = [1, 1.5, 2];
const SPEED_KEY = "voice-speed";
const NEAR_END_S = 1;

class VoiceMessage extends HTMLElement {
  #audio;
  #player;
  #bars;

  connectedCallback() {
    if (this.#player) return; // it was moved
    this.#audio = this.querySelector("audio");
    this.#audio.controls = false;
    this.#player = cloneTemplate("voice-player");
    this.append(this.#player);
    const waveform = drawWaveform(this.dataset.waveform.split(",").map(Number));
    this.#bars = [...waveform.children];
    this.#player.querySelector(".voice__wave").prepend(waveform);
    this.#slider.max = this.dataset.duration;
    this.#button.addEventListener("click", () => (this.#audio.paused ? this.#play() : this.#audio.pause()));
    this.#slider.addEventListener("input", () => this.#seek(Number(this.#slider.value)));
    this.#speedButton.addEventListener("click", () => this.#nextSpeed());
    for (const name of ["play", "pause", "timeupdate", "seeking"]) this.#audio.addEventListener(name, () => this.#show());
    this.#audio.addEventListener("timeupdate", () => this.#remember(this.#audio.currentTime));
    this.#audio.addEventListener("ended", () => this.#ended());
    this.#audio.addEventListener("error", () => showToast("failed"));
    this.#show();
  }

  get #button() {
    return this.#player.querySelector(".voice__play");
  }

  get #slider() {
    return this.#player.querySelector("input");
  }

  get #speedButton() {
    return this.#player.querySelector(".voice__speed");
  }

  get #duration() {
    return Number(this.dataset.duration);
  }

  get #key() {
    return `voice:${this.dataset.id}`;
  }

  /** The position in seconds: of the player, or where the user stopped before. */
  get #position() {
    return this.#audio.readyState ? this.#audio.currentTime : Number(sessionStorage.getItem(this.#key));
  }

  async #play() {
    const position = this.#position;
    if (this.#audio.readyState === 0) this.#audio.currentTime = position; // applied when the file is loaded
    this.#audio.playbackRate = speed();
    await this.#audio.play().catch(() => {}); // the `error` event tells why
  }

  #seek(seconds) {
    this.#remember(seconds);
    this.#audio.currentTime = seconds;
    this.#show(seconds);
  }

  #nextSpeed() {
    sessionStorage.setItem(SPEED_KEY, String(SPEEDS[(SPEEDS.indexOf(speed()) + 1) % SPEEDS.length]));
    for (const audio of document.querySelectorAll("voice-message audio")) audio.playbackRate = speed();
    for (const button of document.querySelectorAll(".voice__speed")) showSpeed(button);
  }

  #remember(seconds) {
    const isOver = seconds > this.#duration - NEAR_END_S;
    if (seconds > 0 && !isOver) sessionStorage.setItem(this.#key, String(seconds));
    else sessionStorage.removeItem(this.#key);
  }

  #ended() {
    sessionStorage.removeItem(this.#key);
    this.#audio.currentTime = 0;
    this.#show(0);
  }

  #show(position = this.#position) {
    const isPlaying = !this.#audio.paused && !this.#audio.ended;
    this.classList.toggle("voice--playing", isPlaying);
    this.#button.ariaLabel = this.#button.title = isPlaying ? this.#button.dataset.pause : this.#button.dataset.play;
    this.#slider.value = String(position);
    this.#slider.setAttribute("aria-valuetext", `${formatDuration(position)} / ${formatDuration(this.#duration)}`);
    this.#player.querySelector(".voice__time").textContent = formatDuration(position || this.#duration);
    const reached = (position / this.#duration) * this.#bars.length;
    for (const [index, bar] of this.#bars.entries()) bar.classList.toggle("voice__bar--played", index < reached);
    showSpeed(this.#speedButton);
  }
}

function speed() {
  return Number(sessionStorage.getItem(SPEED_KEY) ?? 1);
}

function showSpeed(button) {
  button.textContent = `${speed().toLocaleString(document.documentElement.lang)}×`;
}

customElements.define("voice-message", VoiceMessage);

/** Only one recording or video plays at a time. `play` does not bubble. */
document.addEventListener("play", ({ target }) => {
  for (const other of document.querySelectorAll("audio, video")) if (other !== target) other.pause();
}, { capture: true });
