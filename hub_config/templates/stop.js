/* The button that stops one's server. What comes of it the hub says on the next page, in the reader's language. */
require(["jhapi"], function (JHAPI) {
  var stop = document.getElementById("stop");
  if (!stop) return;
  stop.addEventListener("click", function () {
    stop.disabled = true;
    document.getElementById("stopping").classList.remove("hidden");
    new JHAPI(window.jhdata.base_url).stop_server(window.jhdata.user, {
      success: function () { window.location.reload(); }
    });
  });
});
