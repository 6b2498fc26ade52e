(function () {
  "use strict";
  // A figure as a file of its own: with the letters it shares with others, in the colours of paper.
  var LETTERS = ".letters defs ";
  function alone(svg) {
    var copy = svg.cloneNode(true);
    var defs = document.createElementNS("http://www.w3.org/2000/svg", "defs");
    var wanted = {};
    Array.prototype.forEach.call(copy.querySelectorAll("use"), function (use) {
      wanted[use.getAttribute("href").slice(1)] = true;
    });
    Object.keys(wanted).forEach(function (key) {
      var letter = document.querySelector(LETTERS + "#" + CSS.escape(key));
      if (letter) defs.appendChild(letter.cloneNode(true));
    });
    copy.insertBefore(defs, copy.firstChild);
    // The name of a colour is the colour in the light.
    return new XMLSerializer().serializeToString(copy).replace(/var\(--c([0-9a-f]{6})\)/g, "#$1");
  }
  Array.prototype.forEach.call(document.querySelectorAll("button[data-svg]"), function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var svg = document.getElementById(button.dataset.svg).querySelector("svg");
      var link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([alone(svg)], { type: "image/svg+xml" }));
      link.download = button.dataset.name;
      link.click();
      setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
    });
  });
})();
