// What this package brings into JupyterLab: a module of a federated build, which is a name with two functions.
//
// Written by hand: a button, a number and a listener need no chain of builds. Each of FILES stands
// beside this one; its `plugin` gets `shared` and returns a plugin of the Lab.
(() => {
  "use strict";
  const NAME = "geodes-datalab";
  const FILES = ["hpda", "home", "dask"];
  let scope;

  // shared NAME: one of the Lab's own libraries.
  const shared = async name => {
    const [one] = Object.values(scope[name] || {});
    if (!one) throw new Error(`JupyterLab shares no ${name}`);
    return (await one.get())();
  };

  // made FILE: its plugin, or none; one that fails keeps no other back.
  const made = async file => {
    try {
      const { plugin } = await import(`./${file}.js`);
      return [{ autoStart: true, ...(await plugin(shared)) }];
    } catch (error) {
      console.error(`${NAME}: ${file}.js cannot be used here`, error);
      return [];
    }
  };

  const load = async () => {
    const plugins = (await Promise.all(FILES.map(made))).flat();
    return () => ({ __esModule: true, default: plugins });
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[NAME] = {
    init: given => {
      scope = given;
    },
    get: load,
  };
})();
