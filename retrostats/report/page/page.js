(function () {
  "use strict";
  // A link into something folded opens it, in browsers that do not do so by themselves.
  function reveal() {
    var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (var at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  reveal();
  // All of the page at once, and folded again.
  var every = Array.prototype.slice.call(document.querySelectorAll("details:not(.figure-use)"));
  var unfold = document.getElementById("unfold");
  unfold.hidden = false;
  unfold.addEventListener("click", function () {
    var open = unfold.getAttribute("aria-pressed") !== "true";
    every.forEach(function (part) { part.open = open; });
    unfold.setAttribute("aria-pressed", open);
  });
  // On paper what is folded is shown; browsers that cannot say so in style open it for printing.
  if (!CSS.supports("selector(::details-content)")) {
    var shut = [];
    addEventListener("beforeprint", function () {
      shut = every.filter(function (part) { return part.matches(".fold:not([open])"); });
      shut.forEach(function (part) { part.open = true; });
    });
    addEventListener("afterprint", function () { shut.forEach(function (part) { part.open = false; }); });
  }
  // Filters of the studies; without this script every study is shown.
  var form = document.getElementById("filter");
  if (form) {
    var studies = Array.prototype.slice.call(document.querySelectorAll("details.study"));
    var show = function () {
      var shown = 0;
      studies.forEach(function (study) {
        var keep = ["topic", "direct"].every(function (name) {
          var wanted = form.elements[name].value;
          return !wanted || study.dataset[name].split("|").indexOf(wanted) >= 0;
        });
        study.hidden = !keep;
        shown += keep;
      });
      form.querySelector("output").textContent = shown + " of " + studies.length + " studies";
    };
    form.hidden = false;
    form.addEventListener("change", show);
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    show();
  }
  // Buttons that copy the text beside them.
  Array.prototype.forEach.call(document.querySelectorAll("button[data-copy]"), function (button) {
    var from = document.getElementById(button.dataset.copy);
    var select = function () { getSelection().selectAllChildren(from); button.textContent = "Selected: copy it now"; };
    button.hidden = false;
    button.addEventListener("click", function () {
      if (!navigator.clipboard) return select();
      navigator.clipboard.writeText(from.textContent).then(function () { button.textContent = "Copied"; }, select);
    });
  });
})();
