"use strict";
// Shows the checks that fit what is chosen. Without scripts everything is shown and the form stays hidden.
const form = document.querySelector("form");
const checks = [...document.querySelectorAll("details[data-outcome]")];
const counter = document.querySelector(".shown");

function show() {
  const chosen = Object.fromEntries(new FormData(form));
  for (const check of checks) {
    check.hidden = Object.entries(chosen).some(([name, value]) => value && check.dataset[name] !== value);
  }
  for (const heading of document.querySelectorAll("h2[data-tier]")) {
    heading.hidden = !checks.some((check) => !check.hidden && check.dataset.tier === heading.dataset.tier);
  }
  counter.textContent = `${checks.filter((check) => !check.hidden).length} of ${checks.length} checks`;
}

form.hidden = false;
form.addEventListener("change", show);
show();
