"""A page in the browser: what a run sees in a picture, and where it looked.

It also shows what follows from what else is known.

Its files, in the order to read them:

    shown    runs, and examples of their pictures
    places   the layer that maps are made of
    gradcam  where the evidence for a class lies
    guard    who may ask, and how many at a time
    app      the web application; page.html is what it shows
    serving  its port; slow connections are closed
    command  `modular-cls demo`
"""
