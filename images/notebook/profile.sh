# /etc/profile.d/datalab.sh of the image: a login shell finds the datalab's programs, for /etc/profile sets
# PATH anew; bash keeps its history although a stopped server ends its shells at once. A bash in a bash, which
# is no login shell, reads it by /etc/bash.bashrc; one that reads both does everything once.
case :$PATH: in
*:/opt/datalab/bin:*) ;;
*) export PATH="/opt/datalab/bin:$PATH" ;;
esac
if [ -n "${BASH_VERSION-}" ] && [ -n "${PS1-}" ]; then
    shopt -s histappend
    HISTCONTROL=ignoreboth HISTSIZE=10000 HISTFILESIZE=20000
    case ${PROMPT_COMMAND-} in
    *'history -a'*) ;;
    *) PROMPT_COMMAND="history -a${PROMPT_COMMAND:+; $PROMPT_COMMAND}" ;;
    esac
    alias ls='ls --color=auto' grep='grep --color=auto'
fi
