"""Parts of names of people and towns that are made up for the benchmarks' articles."""

STARTS = "Bel Cor Dun Esk Far Gol Har Ister Kel Lorn Mar Nor Ost Pel Quen Ros Sul Tarn Ul Vor Wes Yar Zel Brim".split()
ENDS = "bridge burn by dale den field ford ham haven holm hurst ley minster mouth stead ton wick worth".split()
GIVEN = (
    "Ada Bruno Clara Dario Edith Felix Greta Hugo Irene Jonas Klara Leon Mira Nils Olga Piet Rosa Sven Tilda".split()
)
FAMILY = (
    "Abel Brandt Corvin Dahl Ekman Falk Gruber Holt Iversen Janssen Kross Lund Moreau Nagy Orlov Petri Quist".split()
)
