// The Dask panel shows the cluster that a notebook opens, without a click.
//
// The kernel's side is geodes_datalab.compute.card: the message that shows a cluster carries the dashboard's
// address in its `transient` part, which no notebook keeps. So only a cluster that was opened now is heard of.
const TOLD = "geodes_datalab_dashboard";
const COMMAND = "dask:populate-dashboard-url";

const activate = (app, notebooks) => {
  const hear = (_, message) => {
    if (message.header.msg_type !== "display_data") return;
    const url = message.content.transient?.[TOLD];
    if (typeof url === "string" && /^(\/(?!\/)|https?:)/.test(url) && app.commands.hasCommand(COMMAND))
      app.commands.execute(COMMAND, { url });
  };
  const listen = (_, notebook) => notebook.sessionContext.iopubMessage.connect(hear);
  notebooks.forEach(notebook => listen(null, notebook));
  notebooks.widgetAdded.connect(listen);
};

export const plugin = async shared => {
  const { INotebookTracker } = await shared("@jupyterlab/notebook");
  return { id: "geodes-datalab-dask:panel", requires: [INotebookTracker], activate };
};
