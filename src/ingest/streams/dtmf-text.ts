/** Digits as text messages name them. Pure; what is no digit is never repeated in an error. */

const DIGITS = /^[0-9*#A-D]{1,32}$/;

/** @returns each digit of a key or several, upper case; undefined for anything else */
export const digitsIn = (text: string | undefined): readonly string[] | undefined => {
  const upper = text?.toUpperCase() ?? '';
  return DIGITS.test(upper) ? [...upper] : undefined;
};
