(function () {
  "use strict";
  // Every answer stands in the page; this looks it up by the settings and says it by the page's rule.
  function side(value, bound) {
    return Math.abs(value - bound) <= 1e-9 * Math.max(1, Math.abs(bound)) ? 0 : value > bound ? 1 : -1;
  }
  function decimals(value, digits, bounds) {
    var least = digits;
    if (value && Math.abs(value) < 0.1) least = Math.max(digits, -Math.floor(Math.log10(Math.abs(value))) + 1);
    for (var places = Math.min(least, 12); places <= 12; places++) {
      var shown = +value.toFixed(places);
      if (bounds.every(function (b) { return side(shown, b) === side(value, b); })) return places;
    }
    return 12;
  }
  function rounded(value, digits, bounds) {
    if (value && !(Math.abs(value) > 1e-12 && Math.abs(value) < 1e12)) return value.toExponential(1);
    var places = decimals(value, digits, bounds);  // toFixed rounds as the package, a locale does not
    var text = (+value.toFixed(places)).toLocaleString("en-US", {
      minimumFractionDigits: places, maximumFractionDigits: places
    });
    return (+text.replace(/,/g, "") === 0 ? text.replace("-", "") : text).replace("-", "\u2212");
  }
  function ends(low, high, bounds) {
    for (var places = 2; places < 12; places++) {
      var pair = [rounded(low, places, bounds), rounded(high, places, bounds)];
      if (pair[0] !== pair[1] || low === high) return pair;
    }
    return pair;
  }
  var ends_of = {};  // by the box: shows the lowest or the highest of all
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
    function percent(value) {  // a ratio as a number and what stands behind it
      if (value >= 2) return [rounded(value, 2, data.bounds), " times as high"];
      var more = 100 * (value - 1), clear = [0, -100];
      data.bounds.forEach(function (b) { clear.push(100 * (b - 1)); });
      var text = rounded(more, 0, clear).replace("\u2212", "");
      return text === "0" ? ["no difference", ""] : [text, "% " + data.way[more > 0 ? 0 : 1]];
    }
    function span(low, high) {
      var pair = [percent(low), percent(high)];
      if (pair[0][1] !== pair[1][1]) return pair[0].join("") + " to " + pair[1].join("");
      pair.sort(function (a, b) { return a[0].replace(/,/g, "") - b[0].replace(/,/g, ""); });
      return pair[0][0] + (pair[0][1].charAt(0) === "%" ? "%" : "") + " to " + pair[1].join("");
    }
    function numbers(answer) {
      if (data.log) return percent(answer[0]).join("") + " (95% interval " + span(answer[1], answer[2]) + ")";
      var pair = ends(answer[1], answer[2], data.bounds);
      return rounded(answer[0], 2, data.bounds) + " (95% interval " + pair[0] + " to " + pair[1] + ")" + (data.unit ? " " + data.unit : "");
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
      put("b-conf", { x1: place(answer[1]), x2: place(answer[2]) });
      put("b-dot", { cx: place(answer[0]) });
      data.at.forEach(function (value) { put("b-null", { x1: place(value), x2: place(value) }); });
    }
    ends_of[box.id] = function (name) {
      var end = data.ends[name], how = box.querySelector(".explore-how");
      moved.forEach(function (control, i) { control.value = end.settings[i]; });
      show();
      box.querySelector(".explore-answer").textContent = "The " + name + ": " + end.answer;
      box.querySelector(".band").style.visibility = "hidden";
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
