"use strict";
// Draws the charts. Colours are variables of the style, so that light, dark and print need no new drawing.
const numbers = JSON.parse(document.getElementById("numbers").textContent);
const axis = {
  labelColor: "var(--faint)", titleColor: "var(--faint)", gridColor: "var(--line)", domainColor: "var(--line)",
  tickColor: "var(--line)", labelFont: "system-ui, sans-serif", labelFontSize: 11, tickCount: 6,
};
const shared = {
  width: "container", height: 220, background: null, autosize: {type: "fit-x", contains: "padding"},
  config: {view: {stroke: null}, axis, text: {font: "system-ui, sans-serif", fontSize: 11}, aria: true},
};
// The policy allows no evaluation: expressions are interpreted (ast).
const options = {
  ast: true, actions: false, renderer: "svg", defaultStyle: false,
  tooltip: {disableDefaultStyle: true, offsetX: 14, offsetY: 14, sanitize: escapeText},
};

function escapeText(value) {
  const text = String(value);
  return text === "null" ? "none" : text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
}

async function draw(id, spec) {
  const figure = document.getElementById(id);
  const whole = {...shared, ...spec, datasets: {seconds: numbers.seconds}};
  whole.description = figure.querySelector("h3").textContent;
  await vegaEmbed(figure.querySelector(".chart"), whole, options);
  const svg = figure.querySelector("svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-describedby", `${id}-caption`);
  figure.dataset.drawn = "yes";
}

async function drawAll() {
  for (const [id, spec] of Object.entries(numbers.charts)) {
    try {
      await draw(id, spec);
    } catch (error) {
      console.error(`${id}: ${error}`);
      document.getElementById(id).querySelector(".chart").textContent = "The chart could not be drawn.";
    }
  }
  document.body.dataset.drawn = "yes";
}

drawAll();
