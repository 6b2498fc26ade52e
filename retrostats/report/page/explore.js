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
  function inOneForm(values, low, high, digits, bounds) {
    var width = Math.abs(high - low), least = Math.min(low, high), most = Math.max(low, high);
    if (!width) return values.map(function (value) { return rounded(value, digits, bounds); });
    var first = Math.floor(Math.log10(width * (1 + 1e-9)));
    var places = Math.min(Math.max(1 - first, Math.min(digits, Math.max(3 - first, 0))), 12);
    var need = values.map(function (value) {
      for (var n = places; least > 0 && n < 12 && Math.abs(+value.toFixed(n) - value) > 0.1 * Math.abs(value);) n++;
      return clear(value, n, bounds);
    });
    var wide = least > 0 && most >= 100 * least;
    var shared = Math.max.apply(null, need.map(function (n) { return n <= places + 1 && !wide ? n : places; }));
    return values.map(function (value, i) { return written(value, Math.max(need[i], shared)); });
  }
  var ends_of = {};  // by the box: shows the lowest or the highest of all
  Array.prototype.forEach.call(document.querySelectorAll("fieldset.explore"), function (box) {
    var data = JSON.parse(box.querySelector("script").textContent);
    var moved = Array.prototype.slice.call(box.querySelectorAll("select, input"));
    var all = [].concat.apply([], data.answers).filter(function (v) { return v !== null; }).concat(data.at);
    for (var end in data.ends) all = all.concat(data.ends[end].at);
    var scale = data.log ? Math.log : function (v) { return v; };
    var least = scale(Math.min.apply(null, all)), most = scale(Math.max.apply(null, all));
    function place(value) { return 3 + 94 * (scale(value) - least) / (most - least || 1) + "%"; }
    function put(name, attributes) {
      var mark = box.querySelector("." + name);
      for (var key in attributes) mark.setAttribute(key, attributes[key]);
    }
    function told(values) {  // ratios as numbers and what stands behind them
      if (Math.max.apply(null, values) >= 2) {
        return inOneForm(values, values[1], values[2], 2, data.bounds).map(function (text) { return [text, " times as high"]; });
      }
      var more = values.map(function (value) { return 100 * (value - 1); }), clear = [0, -100];
      data.bounds.forEach(function (b) { clear.push(100 * (b - 1)); });
      return inOneForm(more, more[1], more[2], 0, clear).map(function (text) {
        var size = text.replace("\u2212", "");
        if (/^[0.]*$/.test(size)) return ["no difference", ""];
        return [size, "% " + data.way[size === text ? 0 : 1]];
      });
    }
    function span(pair) {
      if (pair[0][1] !== pair[1][1]) return pair[0].join("") + " to " + pair[1].join("");
      pair.sort(function (a, b) { return a[0].replace(/,/g, "") - b[0].replace(/,/g, ""); });
      return pair[0][0] + (pair[0][1].charAt(0) === "%" ? "%" : "") + " to " + pair[1].join("");
    }
    function numbers(answer) {
      if (data.log) {
        var parts = told(answer);
        return parts[0].join("") + " (95% interval " + span(parts.slice(1)) + ")";
      }
      var shown = inOneForm(answer, answer[1], answer[2], 2, data.bounds);
      return shown[0] + " (95% interval " + shown[1] + " to " + shown[2] + ")" + (data.unit ? " " + data.unit : "");
    }
    // A control that no setting of it would change is greyed, but not while it is being moved.
    function grey(at) {
      var stride = 1;
      for (var i = moved.length - 1; i >= 0; i--) {
        var first = at - moved[i].value * stride, same = true;
        for (var j = 1; j < data.settings[i]; j++) {
          same = same && String(data.answers[first + j * stride]) === String(data.answers[first]);
        }
        stride *= data.settings[i];
        moved[i].disabled = same && moved[i] !== document.activeElement;
        moved[i].parentElement.querySelector(".idle").hidden = !same;
      }
    }
    function show() {
      var how = box.querySelector(".explore-how");
      if (how) how.hidden = true;
      var at = moved.reduce(function (sum, control, i) { return sum * data.settings[i] + +control.value; }, 0);
      moved.forEach(function (control, i) {
        if (!data.values[i]) return;
        var value = data.values[i].length === data.settings[i] ? data.values[i][+control.value] : data.values[i][at];
        box.querySelector('output[for="' + control.id + '"]').textContent = value;
        control.setAttribute("aria-valuetext", value);
      });
      grey(at);
      var answer = data.answers[at], said = box.querySelector(".explore-answer");
      var sound = answer[0] !== null;
      box.dataset.estimate = answer[0];
      box.dataset.low = answer[1];
      box.dataset.high = answer[2];
      box.querySelector(".band").style.visibility = sound ? "visible" : "hidden";
      if (!sound) { said.textContent = "these settings contradict one another"; return; }
      var words = data.words[data.said[at]];
      said.textContent = numbers(answer) + (words ? ": " + words : "");
      draw(answer);
    }
    function draw(answer) {
      put("b-conf", { x1: place(answer[1]), x2: place(answer[2]) });
      put("b-dot", { cx: place(answer[0]) });
      data.at.forEach(function (value) { put("b-null", { x1: place(value), x2: place(value) }); });
    }
    ends_of[box.id] = function (name) {
      var end = data.ends[name], how = box.querySelector(".explore-how");
      moved.forEach(function (control, i) { control.value = end.settings[i]; });
      show();
      box.querySelector(".explore-answer").textContent = "The " + name + ": " + end.answer;
      box.querySelector(".band").style.visibility = end.at.length ? "visible" : "hidden";
      if (end.at.length) draw(end.at);
      moved.forEach(function (control, i) {  // where it is, between two settings of the control
        if (data.values[i]) box.querySelector('output[for="' + control.id + '"]').textContent = end.values[i];
      });
      how.querySelector("ul").replaceChildren.apply(how.querySelector("ul"), end.how.map(function (line) {
        var item = document.createElement("li");
        item.textContent = line;
        return item;
      }));
      how.hidden = false;
      for (var up = box; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
      box.scrollIntoView();
    };
    box.addEventListener("input", show);
    box.hidden = false;
    show();
  });
  Array.prototype.forEach.call(document.querySelectorAll("button[data-end]"), function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { ends_of[button.dataset.box](button.dataset.end); });
  });
})();
