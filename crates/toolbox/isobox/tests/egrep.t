$ printf "a|b\nc\n" | egrep "a.b|x"
a|b
