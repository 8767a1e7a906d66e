// The language of the Lab, for all that our modules say.

// The page names it as a package of languages is called (fr_FR) or as browsers do (fr-FR).
export const language = () => document.documentElement.lang.replace("_", "-");
export const french = () => language().startsWith("fr");

// translator FRENCH: what tells a text of that table in the Lab's language; values stand where it names them in braces.
export const translator = table => (text, values = {}) =>
  ((french() && table[text]) || text).replace(/\{(\w+)\}/g, (_, name) => values[name]);
