$ echo x | tee f; cat f
x
x

$ echo x | tee f g >/dev/null; cat f g
x
x

$ echo x >f; echo y | tee -a f >/dev/null; cat f
x
y

$ echo x | tee missing/f
x
? 1

$ echo x | tee
x

$ printf '' | tee f; ls
f

$ echo x | tee f missing/g; cat f
x
x

$ seq 100000 | tee f | md5sum; md5sum <f
dea9193b768319cbb4ff1a137ac03113  -
dea9193b768319cbb4ff1a137ac03113  -
