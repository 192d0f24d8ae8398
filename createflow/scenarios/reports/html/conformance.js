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
  for (const section of document.querySelectorAll("main section")) {
    section.hidden = !section.querySelector("details[data-outcome]:not([hidden])");
  }
  counter.textContent = `${checks.filter((check) => !check.hidden).length} of ${checks.length} checks`;
}

form.hidden = false;
form.addEventListener("change", show);
show();
