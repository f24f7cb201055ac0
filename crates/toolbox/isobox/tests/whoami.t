$ whoami
root
% root

$ whoami extra 2>/dev/null
? 1
