// Numbers and names as words.

/** A number in about three digits, with a real minus. */
export function number(value) {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits).replace("-", "−");
}

export const percent = share => (share > 0.995 && share < 1 ? "> 99" : share < 0.005 ? "< 1" : Math.round(100 * share)) + " %";

/** a 4, an 8, a cat, an airplane */
export const withArticle = name => `${/^(8|11\b|18\b|[aeiou])/i.test(name) ? "an" : "a"} ${name}`;

/** Set the words of an element; those that are there already cost nothing. */
export function put(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

export const times = (...sides) => sides.join(" × ");
