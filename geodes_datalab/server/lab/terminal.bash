# Read by the Lab's terminals (geodes_datalab.server.terminals): first all that a login shell reads.
if [ -r /etc/profile ]; then . /etc/profile; fi
for datalab_file in ~/.bash_profile ~/.bash_login ~/.profile ~/.bashrc; do
    if [ -r "$datalab_file" ]; then
        . "$datalab_file"
        break
    fi
done
unset datalab_file

# Then the programs of the server's environment, in front: /etc/profile has set PATH anew.
case $PATH: in
"$GEODES_DATALAB_PROGRAMS":*) ;;
*) export PATH="$GEODES_DATALAB_PROGRAMS:$PATH" ;;
esac

# The history is written with each command, since a server that is stopped ends its shells at once.
shopt -s histappend
case ${PROMPT_COMMAND-} in
*'history -a'*) ;;
*) PROMPT_COMMAND="history -a${PROMPT_COMMAND:+; $PROMPT_COMMAND}" ;;
esac
