# Read by the Lab's terminals (geodes_datalab.server.terminals): first all that a login shell reads.
if [ -r /etc/profile ]; then . /etc/profile; fi

# The programs of the server's environment come in front: /etc/profile has set PATH anew.
datalab_programs() {
    case $PATH: in
    "$GEODES_DATALAB_PROGRAMS":*) ;;
    *) export PATH="$GEODES_DATALAB_PROGRAMS:$PATH" ;;
    esac
}
datalab_programs

# Installers of programs write a ~/.profile of a line, where there was none: ~/.bashrc is read all the same.
datalab_active=${VIRTUAL_ENV-}:${CONDA_DEFAULT_ENV-base}
for datalab_file in ~/.bash_profile ~/.bash_login ~/.profile /dev/null; do
    if [ -r "$datalab_file" ]; then break; fi
done
if [ -r ~/.bashrc ] && ! grep -q bashrc "$datalab_file"; then . ~/.bashrc; fi
. "$datalab_file"

# An environment that these files activate stays in front of ours; conda's base, which comes by itself, does not.
if [ "${VIRTUAL_ENV-}:${CONDA_DEFAULT_ENV-base}" = "$datalab_active" ]; then datalab_programs; fi
unset -f datalab_programs
unset datalab_file datalab_active

# The history is written with each command, since a server that is stopped ends its shells at once.
shopt -s histappend
case ${PROMPT_COMMAND-} in
*'history -a'*) ;;
*) PROMPT_COMMAND="history -a${PROMPT_COMMAND:+; $PROMPT_COMMAND}" ;;
esac
