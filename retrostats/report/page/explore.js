(function () {
  "use strict";
  // Every answer stands in the page; this looks it up by the settings and says it by the page's rule.
  function side(value, bound) {
    return Math.abs(value - bound) <= 1e-9 * Math.max(1, Math.abs(bound)) ? 0 : value > bound ? 1 : -1;
  }
  function decimals(value, digits, bounds) {
    var least = digits;
    if (value && Math.abs(value) < 0.1) least = Math.max(digits, -Math.floor(Math.log10(Math.abs(value))) + 1);
    return clear(value, least, bounds);
  }
  function clear(value, least, bounds) {
    for (var places = Math.min(least, 12); places <= 12; places++) {
      var shown = +value.toFixed(places);
      if (bounds.every(function (b) { return side(shown, b) === side(value, b); })) return places;
    }
    return 12;
  }
  function rounded(value, digits, bounds) {
    return written(value, decimals(value, digits, bounds));
  }
  function written(value, places) {
    if (value && !(Math.abs(value) > 1e-12 && Math.abs(value) < 1e12)) return value.toExponential(1);
    // toFixed rounds as the package, a locale does not
    var text = (+value.toFixed(places)).toLocaleString("en-US", {
      minimumFractionDigits: places, maximumFractionDigits: places
    });
    return (+text.replace(/,/g, "") === 0 ? text.replace("-", "") : text).replace("-", "\u2212");
  }
  function inOneForm(values, low, high, bounds) {
    var width = Math.abs(high - low), least = Math.min(low, high), most = Math.max(low, high);
    if (!width) return values.map(function (value) { return rounded(value, 2, bounds); });
    var first = Math.floor(Math.log10(width * (1 + 1e-9)));
    var places = Math.min(Math.max(1 - first, Math.min(2, Math.max(3 - first, 0))), 12);
    var need = values.map(function (value) {
      for (var n = places; least > 0 && n < 12 && Math.abs(+value.toFixed(n) - value) > 0.1 * Math.abs(value);) n++;
      return clear(value, n, bounds);
    });
    var wide = least > 0 && most >= 100 * least;
    var shared = Math.max.apply(null, need.map(function (n) { return n <= places + 1 && !wide ? n : places; }));
    return values.map(function (value, i) { return written(value, Math.max(need[i], shared)); });
  }
  Array.prototype.forEach.call(document.querySelectorAll("fieldset.explore"), function (box) {
    var data = JSON.parse(box.querySelector("script").textContent);
    var moved = Array.prototype.slice.call(box.querySelectorAll("select, input"));
    var all = [].concat.apply([], data.answers).filter(function (v) { return v !== null; }).concat(data.at);
    var scale = data.log ? Math.log : function (v) { return v; };
    var least = scale(Math.min.apply(null, all)), most = scale(Math.max.apply(null, all));
    function place(value) { return 3 + 94 * (scale(value) - least) / (most - least || 1) + "%"; }
    function put(name, attributes) {
      var mark = box.querySelector("." + name);
      for (var key in attributes) mark.setAttribute(key, attributes[key]);
    }
    function show() {
      var at = moved.reduce(function (sum, control, i) { return sum * data.settings[i] + +control.value; }, 0);
      moved.forEach(function (control, i) {
        if (!data.values[i]) return;
        var value = data.values[i].length === data.settings[i] ? data.values[i][+control.value] : data.values[i][at];
        box.querySelector('output[for="' + control.id + '"]').textContent = value;
        control.setAttribute("aria-valuetext", value);
      });
      var answer = data.answers[at], said = box.querySelector(".explore-answer");
      var sound = answer[0] !== null;
      box.dataset.estimate = answer[0];
      box.dataset.low = answer[1];
      box.dataset.high = answer[2];
      box.querySelector(".band").style.visibility = sound ? "visible" : "hidden";
      if (!sound) { said.textContent = "these settings contradict one another"; return; }
      var shown = inOneForm(answer, answer[1], answer[2], data.bounds), words = data.words[data.said[at]];
      said.textContent = shown[0] + " (95% interval " + shown[1] + " to " + shown[2] + ")" + (data.unit ? " " + data.unit : "") + (words ? ": " + words : "");
      put("b-conf", { x1: place(answer[1]), x2: place(answer[2]) });
      put("b-dot", { cx: place(answer[0]) });
      data.at.forEach(function (value) { put("b-null", { x1: place(value), x2: place(value) }); });
    }
    box.addEventListener("input", show);
    box.hidden = false;
    show();
  });
})();
