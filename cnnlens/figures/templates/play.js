// Moves the slider on, map by map.
clearInterval(window.cnnlensPlay);
if (play.active) {
  play.label = "❚❚ Pause";
  if (slider.value >= slider.end) slider.value = slider.start;
  window.cnnlensPlay = setInterval(() => {
    if (slider.value >= slider.end) play.active = false;
    else slider.value = slider.value + 1;
  }, 900);
} else play.label = "▶ Play";
